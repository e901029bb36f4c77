/**
 * Which mails of a page are ours, or came for the gateway. Of a crowd of mails hardly any is, and each asked two questions of the database: a tenth of
 * what accepting it took.
 */
import type { EventType } from '@tidings/contracts/events/index';
import { EmailId, GatewayMailId } from '@tidings/contracts/ids';
import type { LoggedEvent } from '@tidings/contracts/ports/event-log';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { Pool } from 'pg';

/** What is in the open, in every version of these events. */
const Named = t.readonly(t.partial({ emailId: EmailId, mailId: GatewayMailId }));

/** By their ids as emails and as mails of the gateway. Indexes arrived_pkey, arrived_email, mailed_received. */
export const concernedIn = async (pool: Pool, page: readonly LoggedEvent[]): Promise<ReadonlySet<string>> => {
  const namedBy = (wanted: EventType): readonly t.TypeOf<typeof Named>[] =>
    page.flatMap(({ type, data }) => {
      const named = type === wanted ? Named.decode(data) : null;
      return named !== null && E.isRight(named) ? [named.right] : [];
    });
  const filed = namedBy('EmailFiled').flatMap(({ emailId }) => emailId ?? []);
  const mapped = namedBy('MailMapped').flatMap(({ mailId }) => mailId ?? []);
  // What came for mailboxes, too, by this very page, is not in the tables yet.
  const told = namedBy('GatewayMailReceived').flatMap(({ emailId, mailId }) =>
    emailId === undefined || mailId === undefined ? [] : [emailId, mailId],
  );
  if (filed.length === 0 && mapped.length === 0) return new Set(told);
  const { rows } = await pool.query<{ id: string }>({
    name: 'gateway-out-concerned',
    text: `select email_id as id from gateway_out.arrived where email_id = any($1::uuid[])
      union all select received_as from gateway_out.mailed where received_as = any($1::uuid[])
      union all select mail_id from gateway_out.arrived where mail_id = any($2::uuid[])`,
    values: [filed, mapped],
  });
  return new Set([...told, ...rows.map(({ id }) => id)]);
};
