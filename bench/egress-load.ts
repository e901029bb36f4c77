/** Mails put into the queue of a started program, as the outbox does it: bytes durable, then the event. */
import { randomBytes } from 'node:crypto';
import { type CommandId, derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { openPlatform } from '../services/platform/src/open.ts';
import type { Program } from '../tests/kit/program.ts';

export interface Load {
  readonly mails: number;
  /** Of each mail, at one domain. */
  readonly recipients: number;
  readonly bytes: number;
  readonly atOnce: number;
  /** By the domain of its author; else that is somebody else's. */
  readonly signed: boolean;
}

export interface Queueing {
  readonly queue: (load: Load) => Promise<void>;
  readonly close: () => Promise<void>;
}

const MAILBOXES = 10;

export const openQueueing = async (program: Program): Promise<Queueing> => {
  const config = E.getOrElseW((faults: readonly string[]) => {
    throw new Error(faults.join('; '));
  })(loadConfig({ DATABASE_URL: program.running.embeddedUrl ?? '', BLOBS: 'postgres' }));
  const platform = await openPlatform(config, { process: 'bench', logger: pino({ level: 'silent' }), connections: 8 });
  const line = randomBytes(57).toString('base64');
  let made = 0;
  const one = async ({ recipients, bytes, signed }: Load): Promise<void> => {
    const n = (made += 1);
    const emailId = derivedId<EmailId>('bench-out', n);
    const head = `From: team@${signed ? 'tidings.test' : 'elsewhere.example'}\r\nTo: r@sink.example\r\nSubject: bench ${n}\r\nMessage-ID: <${emailId}@tidings.test>\r\n\r\n`;
    const raw = Buffer.from(`${head}${`${line}\r\n`.repeat(Math.ceil((bytes - head.length) / (line.length + 2)))}`);
    const { id: rawBlobId, size } = await platform.blobs.put(raw, { thenAppended: true });
    const command = {
      ...({ type: 'Queue', emailId, rawBlobId, size, messageId: `${emailId}@tidings.test`, envelopeFrom: 'team@tidings.test' } as const),
      ...{ mailboxId: derivedId<MailboxId>('bench-out', n % MAILBOXES), threadId: derivedId<ThreadId>('bench-out', n), queuedBy: null },
      recipients: Array.from({ length: recipients }, (_, at) => ({ address: `r${at}@sink.example`, kind: 'to' as const })),
    };
    await appendAfter(platform.blobs, rawBlobId, () =>
      platform.commands.transact(outbound, outboundKey(emailId), command, { commandId: derivedId<CommandId>('bench-queue', n) }),
    );
  };
  return {
    queue: async (load) => {
      let left = load.mails;
      const hand = async (): Promise<void> => {
        while ((left -= 1) >= 0) await one(load);
      };
      await Promise.all(Array.from({ length: load.atOnce }, hand));
    },
    close: () => platform.close(),
  };
};
