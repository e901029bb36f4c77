/**
 * Mail that is fetched by IMAP: one node at a time, by its lease. How far it got stands in a table, and is written behind each mail; one that is fetched again is the
 * same arrival, as its id derives from its UID.
 */
import { derivedId, type GatewayMailId } from '@tidings/contracts/ids';
import { openInbox, type Place } from '@tidings/infra/imap/inbox';
import { fieldsOf, bodyStart } from '@tidings/infra/mime/head';
import { type ProcessManager, startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { takeGatewayMail } from '../../../platform/src/gateway/take-mail.ts';
import { accountOf, SYNC_REQUESTED } from '../../../platform/src/gateway/imap-account.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** Of its lease, for ever. */
const GATEWAY_IMAP = 'gateway-imap';

/** Null outside of IMAP mode. */
export const startFetcher = (platform: Platform, logger: Logger, lease: LeaseOptions | undefined): ProcessManager | null => {
  const { imap } = platform.config.gateway;
  if (imap === null) return null;
  const { pool, now, log } = platform;
  const follow = (turn: Turn): Promise<void> => fetchAll(platform, imap, turn);
  return startProcessManager({ name: GATEWAY_IMAP, shards: log.shards.slice(0, 1), pool, logger, now, lease, follow });
};

type Imap = NonNullable<Platform['config']['gateway']['imap']>;

const fetchAll = async (platform: Platform, imap: Imap, turn: Turn): Promise<void> => {
  const inbox = await openInbox(imap, platform.config.smtp.maxMessageBytes);
  let wake = new AbortController();
  const stir = (): void => wake.abort();
  const unsubscribe = platform.signals.subscribe('gateway', (payload) => {
    if (payload === SYNC_REQUESTED) stir();
  });
  turn.signal.addEventListener('abort', stir, { once: true });
  try {
    while (!turn.signal.aborted) {
      wake = new AbortController();
      turn.report('working');
      await inbox.read(await placeOf(platform.pool, imap), async ({ place, raw }) => {
        await take(platform, imap, place, raw);
        await note(platform.pool, imap, place);
        turn.progressed();
      });
      await note(platform.pool, imap, null);
      turn.progressed();
      turn.report('idle');
      if (!turn.signal.aborted) await inbox.idle(imap.pollMs, wake.signal);
    }
  } finally {
    unsubscribe();
    turn.signal.removeEventListener('abort', stir);
    await inbox.close();
  }
};

const take = async (platform: Platform, imap: Imap, { uidValidity, uid }: Place, raw: Buffer): Promise<void> => {
  const { maxMessageBytes: maxBytes } = platform.config.smtp;
  const blob = await platform.blobs.put(raw, { maxBytes, thenAppended: true });
  const mailId = derivedId<GatewayMailId>('imap', accountOf(imap), uidValidity, uid);
  // Whom it was for stands in its header; what belongs nowhere goes where mail to the reply domain goes.
  const envelope = { mailFrom: returnPathIn(raw), rcptTo: [`inbox@${platform.config.gateway.replyDomain}`], helo: '', clientAddress: '' };
  await takeGatewayMail(platform, { mailId, door: 'imap', blob, envelope, said: null });
};

/** The server that took it wrote the sender of the envelope there (RFC 5321 §4.4); without it, the author stands for it. */
const returnPathIn = (raw: Buffer): string => {
  let from = '';
  for (const field of fieldsOf(raw.subarray(0, bodyStart(raw)))) {
    const text = Buffer.from(field).toString('utf8');
    const returned = /^return-path\s*:\s*<([^<>\r\n]{0,1000})>/i.exec(text)?.[1];
    if (returned !== undefined) return returned;
    from = /^from\s*:[^]*?([^\s<>"(),;:]{1,300}@[^\s<>"(),;:]{1,300})/i.exec(text)?.[1] ?? from;
  }
  return from;
};

const placeOf = async (pool: Pool, imap: Imap): Promise<Place | null> => {
  const { rows } = await pool.query<{ uid_validity: string | null; uid: string }>(
    'select uid_validity, uid from gateway.imap_account where account = $1',
    [accountOf(imap)],
  );
  const [row] = rows;
  return row === undefined || row.uid_validity === null ? null : { uidValidity: row.uid_validity, uid: Number(row.uid) };
};

/** @param place null: looked, and there was nothing more */
const note = async (pool: Pool, imap: Imap, place: Place | null): Promise<void> => {
  await pool.query(
    `insert into gateway.imap_account (account, uid_validity, uid, synced_at) values ($1, $2, coalesce($3, 0), now())
     on conflict (account) do update set uid_validity = coalesce(excluded.uid_validity, imap_account.uid_validity),
       uid = case when $3::bigint is null then imap_account.uid else excluded.uid end, synced_at = excluded.synced_at`,
    [accountOf(imap), place?.uidValidity ?? null, place?.uid ?? null],
  );
};
