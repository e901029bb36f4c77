/**
 * Read models are committed without waiting for the disk, so a Postgres that dies takes their last commits with it. What was answered is in the
 * log, and is to be read again though nobody writes any more.
 */
import { randomUUID } from 'node:crypto';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { threadsOf } from '../acceptance/books.ts';
import { ask, askJson, foundTown, type Person, type Town } from '../acceptance/town.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { dataDirectoryOf, endPostgres } from './kill-postgres.ts';

const RECOVER_MS = 10_000;
const ROUNDS = 3;

let town: Town;
let program: Program;
beforeAll(async () => {
  town = await foundTown('Diver', 2);
  program = await startProgram({ ownPostgres: true, env: { OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal' } });
});
afterAll(async () => {
  await program.stop();
  await town.issuer.close();
});

const sendMail = async (to: Person, subject: string): Promise<void> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, ignoreTLS: true });
  await transport.sendMail({ from: 'crew@sea.example', to: to.email, subject, text: subject });
  transport.close();
};

describe('what was shown just before Postgres died', () => {
  it('is shown again though nobody writes any more, and a retry finds it', async () => {
    const [ada, ben] = town.people as readonly [Person, Person];
    await askJson<Me>(program, ben, '/api/me');
    const { mailboxes } = await askJson<Me>(program, ada, '/api/me');
    const mailbox = mailboxes.find(({ address }) => address === ada.email)?.id ?? '';
    const body = { roomType: 'Single', roomName: null, invitedUsers: [ada.id, ben.id] };
    const room = (await askJson<ChatRoom>(program, ada, '/api/rooms/create-room', { body })).id;
    const post = async (text: string): Promise<number> => {
      const asked = { body: { chatRoomId: room, msgBody: { text } }, headers: { 'idempotency-key': text } };
      return (await ask(program, ada, '/api/send-msg', asked)).status;
    };
    const messages = async (): Promise<readonly string[]> =>
      (await askJson<readonly Message[]>(program, ben, `/api/rooms/${room}/timeline`)).flatMap(({ msgBody }) =>
        'text' in msgBody ? msgBody.text : [],
      );
    const mails = async (): Promise<readonly string[]> => (await threadsOf(program, ada, mailbox)).map(({ subject }) => subject);
    const dataDirectory = await dataDirectoryOf(program.databaseUrl);

    const written: string[] = [];
    const isShown = async (): Promise<void> => {
      expect((await messages()).toSorted()).toEqual(written.toSorted());
      expect((await mails()).toSorted()).toEqual(written.toSorted());
    };
    for (let round = 1; round <= ROUNDS; round += 1) {
      const text = `round-${round}-${randomUUID()}`;
      written.push(text);
      await sendMail(ada, text);
      expect(await post(text)).toBe(200);
      await vi.waitFor(isShown, { timeout: RECOVER_MS, interval: 5 });
      await endPostgres(dataDirectory, 'SIGKILL', RECOVER_MS);
      await vi.waitFor(isShown, { timeout: RECOVER_MS, interval: 50 });
      expect(await post(text)).toBe(200);
    }
  });
});
