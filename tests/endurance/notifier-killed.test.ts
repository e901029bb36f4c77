/** The process that calls webhooks is killed again and again amid its calls. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask, askJson, foundTown, type Person, type Town } from '../acceptance/town.ts';
import { childPid } from '../kit/child-pid.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { type Receiver, type Received, startReceiver } from '../kit/receiver.ts';

let town: Town;
let program: Program;
let receiver: Receiver;
beforeAll(async () => {
  town = await foundTown('Herald', 3);
  receiver = await startReceiver();
  program = await startProgram({
    env: {
      OIDC_ISSUER: town.issuer.url,
      WEBHOOK_ALLOW_PRIVATE: 'true',
      WEBHOOK_TIMEOUT_MS: '1000',
      WEBHOOK_RETRY_FIRST_MS: '50',
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'fatal',
    },
  });
  for (const person of town.people) await askJson(program, person, '/api/me');
});
afterAll(async () => {
  await program.stop();
  await receiver.close();
  await town.issuer.close();
});

interface Call {
  readonly id: string;
  readonly data: { readonly notification: { readonly message?: { readonly msgBody: { readonly text: string } } } };
}
const callOf = ({ body }: Received): Call => JSON.parse(body.toString()) as Call; // the contract of webhooks
const textOf = ({ data }: Call): string | undefined => data.notification.message?.msgBody.text;
const notifierPid = (): number => childPid(program.pid, 'notifier') ?? 0;

it('no call is lost: each message is told, under one id, whatever is killed when', async () => {
  const [admin, ann, ben] = town.people as readonly [Person, Person, Person];
  receiver.answer('/steady', () => (Math.random() < 0.3 ? 503 : 200));
  await ask(program, admin, '/api/admin/webhooks', { body: { url: receiver.url('/steady'), events: ['push.requested'] } });
  const { id } = await askJson<{ readonly id: string }>(program, ann, '/api/rooms/create-room', {
    body: { roomType: 'Group', roomName: 'Square', invitedUsers: [ann.id, ben.id] },
  });
  const texts = Array.from({ length: 60 }, (_, n) => `message ${n}`);
  for (const [n, text] of texts.entries()) {
    await askJson(program, ann, '/api/send-msg', { body: { chatRoomId: id, msgBody: { text } } });
    if (n % 20 === 10) {
      const killed = notifierPid();
      expect(killed).toBeGreaterThan(0);
      process.kill(killed, 'SIGKILL');
      await vi.waitFor(() => expect([0, killed]).not.toContain(notifierPid()), { timeout: 10_000, interval: 20 });
    }
  }
  const calls = (): readonly Call[] => receiver.at('/steady').map(callOf);
  await receiver.until(() => {
    const told = new Set(calls().map(textOf));
    return texts.every((text) => told.has(text));
  }, 30_000);
  const ids = Map.groupBy(calls(), textOf);
  for (const text of texts) expect(new Set(ids.get(text)?.map((call) => call.id)).size).toBe(1);
});
