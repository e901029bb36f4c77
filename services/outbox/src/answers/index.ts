/** What mailboxes answer without anybody writing it, as a process manager of its own: it keeps no mail waiting that somebody wrote. */
import type { EventType } from '@tidings/contracts/events/index';
import { openComposer } from '@tidings/infra/compose/compose';
import type { Mime } from '@tidings/infra/mime/mime';
import { followLog } from '@tidings/infra/process-manager/follow-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import type { Platform } from '../../../platform/src/platform.ts';
import { answerAutomatically } from './autoreply.ts';
import { sendReceipt } from './read-receipt.ts';

const TYPES: readonly EventType[] = ['EmailFiled', 'ReceiptAnswered'];
const AUTOREPLIES = 'tidings_autoreplies_total';

export interface Answers {
  readonly follow: (turn: Turn) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openAnswers = (platform: Platform, mime: Mime, logger: Logger): Answers => {
  const { log, events, metrics } = platform;
  const composer = openComposer({ threads: 1 });
  const outcomes = new Counter({
    name: AUTOREPLIES,
    help: 'Mails to mailboxes whose automatic reply was on, by whether it was sent or why not',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const parts = { platform, composer, mime, logger, count: (outcome: string) => outcomes.inc({ outcome }) };
  return {
    follow: followLog({
      ...{ log, events, logger, types: TYPES },
      onEvent: async (event) => {
        if (event.type === 'EmailFiled') await answerAutomatically(parts, event);
        if (event.type === 'ReceiptAnswered') await sendReceipt(parts, event);
      },
    }),
    close: async () => {
      await composer.close();
      metrics.removeSingleMetric(AUTOREPLIES);
    },
  };
};
