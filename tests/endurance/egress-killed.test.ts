/** What is left of mail on its way out when the process that sends it is killed at any moment. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type MailTown, openMailTown, submitMessage } from '../acceptance/mail-kit.ts';
import { childPid } from '../kit/child-pid.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';

let sink: Sink;
let town: MailTown<'alice'>;
let team: string;
beforeAll(async () => {
  sink = await startSink();
  town = await openMailTown(['alice'], {
    SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
    EGRESS_RETRY_SCHEDULE: '1h',
    EGRESS_SESSIONS_PER_DESTINATION: '4',
    RATE_LIMITS: 'off',
  });
  team = await town.openShared('team', { alice: 'sender' });
});
afterAll(async () => {
  await town.close();
  await sink.close();
});

const deliveries = async (emailId: string): Promise<readonly Delivery[]> =>
  (await town.as.alice.ask<{ readonly content: readonly Delivery[] }>('GET', `/api/emails/${emailId}/deliveries`)).content;

it('loses nobody, and says of whom nobody knows', async () => {
  // Slow enough that a kill finds some of them in every state.
  const pause = (): Promise<string> => delay(20).then(() => '250 2.0.0 taken');
  sink.play({ onMessage: pause });
  const flood: { readonly emailId: string; readonly address: string }[] = [];
  const queueing = (async () => {
    for (let n = 0; n < 150; n += 1) {
      const address = `r${n}@flood.example`;
      flood.push({ emailId: await submitMessage(town, town.as.alice, team, `flood ${n}`, [address]), address });
    }
  })();
  for (let kills = 0; kills < 3;) {
    await delay(300 + Math.random() * 500);
    const pid = childPid(town.program.pid, 'egress');
    if (pid === null) continue;
    process.kill(pid, 'SIGKILL');
    kills += 1;
  }
  await queueing;
  const told = await Promise.all(
    flood.map((mail) =>
      vi.waitFor(
        async () => {
          const [delivery] = await deliveries(mail.emailId);
          expect(['delivered', 'unknown']).toContain(delivery?.status);
          return delivery?.status;
        },
        { timeout: 120_000, interval: 1_000 },
      ),
    ),
  );
  const got = Map.groupBy(
    sink.mails.flatMap(({ to }) => to).filter((to) => to.endsWith('@flood.example')),
    (to) => to,
  );
  for (const [n, { address }] of flood.entries()) {
    const times = got.get(address)?.length ?? 0;
    // What is told as delivered was delivered, once; what nobody knows may be there or not, and never twice.
    if (told[n] === 'delivered') expect([address, times]).toEqual([address, 1]);
    else expect(times).toBeLessThanOrEqual(1);
  }
});
