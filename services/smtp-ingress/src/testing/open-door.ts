/** A door on a memory log and memory blobs, with some mailboxes behind it, and clients that are closed with it. */
import type { EmailReceived } from '@tidings/contracts/events/email';
import { derivedId, type BlobId, type CommandId, type MailboxId } from '@tidings/contracts/ids';
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import { LogUnavailable, START, type EventLog } from '@tidings/contracts/ports/event-log';
import { address, addressKey } from '@tidings/domain/address/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { loadConfig } from '@tidings/infra/config/config';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import * as E from 'fp-ts/lib/Either.js';
import { expect } from 'vitest';
import { memoryPlatform } from '../../../http-kit/src/testing/memory-platform.ts';
import { startSmtpIngress, type SmtpIngress } from '../index.ts';
import { dial, type Dialogue } from './smtp-dialogue.ts';

export const mailboxOf = (name: string): MailboxId => derivedId<MailboxId>('test-mailbox', name);

const CLAIMS = [
  ['alice@tidings.test', 'alice'],
  ['contact@tidings.test', 'contact'],
  ['info@tidings.test', 'contact'],
  ['postmaster@tidings.test', 'contact'],
  ['anna@xn--bcher-kva.test', 'anna'],
  ['mike@tidings.test', 'mike'],
  ['mi\u212ae@tidings.test', 'kelvin'],
] as const;

const SETTINGS = {
  SMTP_PORT: '0',
  MAIL_DOMAINS: 'tidings.test,xn--bcher-kva.test',
  MAX_MESSAGE_BYTES: '2000000',
  SMTP_MAX_RECIPIENTS: '5',
  SMTP_MAX_SESSIONS_PER_CLIENT: '8',
};

export interface OpenDoor {
  readonly door: SmtpIngress;
  /** Set one to have that store out of reach. */
  readonly broken: { blobs: boolean; log: boolean };
  /** Lets the clock run ahead by so many milliseconds. */
  readonly clock: { ahead: number };
  /** A connection that has said and heard nothing yet. */
  readonly connected: () => Promise<Dialogue>;
  readonly greeted: () => Promise<Dialogue>;
  /** A session in which DATA was answered with 354. */
  readonly atData: (...recipients: readonly string[]) => Promise<Dialogue>;
  readonly received: () => Promise<readonly EmailReceived['data'][]>;
  /** A blob's bytes as latin1. */
  readonly stored: (id: BlobId) => Promise<string>;
  readonly close: () => Promise<void>;
}

export const openDoor = async (env: Readonly<Record<string, string>> = {}): Promise<OpenDoor> => {
  const broken = { blobs: false, log: false };
  const clock = { ahead: 0 };
  const inner = openMemoryLog();
  const log: EventLog = {
    ...inner,
    append: (...args) => (broken.log ? Promise.reject(new LogUnavailable('unknown', 'test')) : inner.append(...args)),
  };
  const memory = memoryBlobs();
  const blobs = {
    ...memory,
    put: (...args: Parameters<typeof memory.put>) =>
      broken.blobs ? Promise.reject(new BlobStoreUnavailable('test')) : memory.put(...args),
  };
  const platform = memoryPlatform({
    config: given(loadConfig({ ...SETTINGS, ...env })),
    log,
    blobs,
    now: () => Date.now() + clock.ahead,
  });
  for (const [name, of] of CLAIMS) {
    const claimed = given(normaliseAddress(name));
    await platform.commands.transact(
      address,
      addressKey(claimed),
      { type: 'ClaimAddress', address: claimed, mailboxId: mailboxOf(of) },
      { commandId: derivedId<CommandId>('test-claim', name) },
    );
  }
  const door = await startSmtpIngress(platform);
  const open: Dialogue[] = [];

  const connected = async (): Promise<Dialogue> => {
    const dialogue = await dial(door.port);
    open.push(dialogue);
    return dialogue;
  };
  const greeted = async (): Promise<Dialogue> => {
    const dialogue = await connected();
    expect(await dialogue.reply()).toMatch(/^220 \S+ ESMTP/);
    return dialogue;
  };
  return {
    door,
    broken,
    clock,
    connected,
    greeted,
    atData: async (...recipients) => {
      const dialogue = await greeted();
      await dialogue.say('EHLO client.example');
      expect(await dialogue.say('MAIL FROM:<ada@analytical.example>')).toBe('250 2.1.0 Accepted');
      for (const recipient of recipients.length > 0 ? recipients : ['contact@tidings.test'])
        expect(await dialogue.say(`RCPT TO:<${recipient}>`)).toBe('250 2.1.5 Accepted');
      expect(await dialogue.say('DATA')).toMatch(/^354 /);
      return dialogue;
    },
    received: async () => {
      const found: EmailReceived['data'][] = [];
      for (let after = START; ;) {
        const page = await log.readAll(0, after, 1_000, { types: ['EmailReceived'] });
        const { events } = await platform.events.open(page.events);
        found.push(...events.flatMap((event) => (event.type === 'EmailReceived' ? [event.data] : [])));
        if (page.atHead) return found;
        after = page.next;
      }
    },
    stored: async (id) => (await blobs.read(id)).toString('latin1'),
    close: async () => {
      for (const dialogue of open) dialogue.close();
      await door.stop();
    },
  };
};

const given = <A>(result: E.Either<unknown, A>): A => {
  if (E.isLeft(result)) throw new Error(String(result.left));
  return result.right;
};
