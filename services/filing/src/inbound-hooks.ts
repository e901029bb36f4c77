/**
 * Webhooks that are asked before a mail is filed. Each is told who wrote what to whom and what checkers found, signed as all webhooks are; only a
 * plain answer drops a mail, and one that does not answer is waited for.
 */
import { INBOUND_MAIL } from '@tidings/contracts/http/webhooks';
import { derivedId, type EventId } from '@tidings/contracts/ids';
import { CheckerUnavailable } from '@tidings/contracts/ports/mail-checks';
import { timestamp } from '@tidings/contracts/time';
import { createCaller } from '@tidings/infra/webhooks/caller';
import { guardOf } from '@tidings/infra/webhooks/guard';
import { sign } from '@tidings/infra/webhooks/signature';
import { allWebhooks, type WebhookRow } from '@tidings/projections/webhooks/index';
import type { Platform } from '../../platform/src/platform.ts';
import type { InboundAnswer, InboundHooks, InboundMail } from './checks.ts';

/** So long a new webhook may stay unknown. */
const REREAD_MS = 1_000;
/** Raw bytes up to this size go along. */
const MAX_RAW = 1024 * 1024;

export const openInboundHooks = (
  platform: Pick<Platform, 'config' | 'read' | 'liveSchema' | 'now'>,
): { readonly hooks: InboundHooks; readonly close: () => void } => {
  const { config, read, liveSchema, now } = platform;
  const caller = createCaller({ ...guardOf(config), timeoutMs: config.mailChecks.timeoutMs });
  let known: { readonly at: number; readonly webhooks: Promise<readonly WebhookRow[]> } | null = null;

  const webhooks = (): Promise<readonly WebhookRow[]> => {
    if (known === null || now() - known.at > REREAD_MS) {
      const asking = read.any(allWebhooks(liveSchema('webhooks'))).then((all) => all.filter(({ events }) => events.includes(INBOUND_MAIL)));
      known = { at: now(), webhooks: asking };
      asking.catch(() => (known = null)); // whoever asked hears of it
    }
    return known.webhooks;
  };

  const askOne = async (webhook: WebhookRow, mail: InboundMail, signal: AbortSignal): Promise<InboundAnswer> => {
    const body = JSON.stringify({
      id: derivedId<EventId>(INBOUND_MAIL, webhook.id, mail.mailboxId, mail.emailId),
      type: INBOUND_MAIL,
      createdAt: timestamp(now()),
      data: dataOf(mail),
    });
    const at = String(Math.floor(now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'tidings-webhook-id': webhook.id,
      'tidings-timestamp': at,
      'tidings-signature': sign(webhook.secret, at, body),
    };
    let answer: Awaited<ReturnType<typeof caller.ask>>;
    try {
      answer = await caller.ask({ url: webhook.url, headers, body }, signal);
    } catch (error) {
      throw new CheckerUnavailable(`${originOf(webhook)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (answer.status < 200 || answer.status > 299) throw new CheckerUnavailable(`${originOf(webhook)} answered ${answer.status}`);
    return answerIn(answer.body, originOf(webhook));
  };

  return {
    hooks: {
      ask: async (mail, signal) => {
        const answers = await Promise.all((await webhooks()).map((webhook) => askOne(webhook, mail, signal)));
        const drop = answers.find((answer) => 'drop' in answer);
        return drop ?? answers.findLast((answer) => 'spam' in answer && answer.spam !== null) ?? { spam: null };
      },
    },
    close: () => caller.close(),
  };
};

const dataOf = ({ emailId, mailboxId, size, raw, client, recipients, content, authentication, spam }: InboundMail) => ({
  emailId,
  mailboxId,
  size,
  envelope: { mailFrom: client.mailFrom, rcptTo: recipients, helo: client.helo, clientAddress: client.address },
  email: content,
  authentication,
  spam,
  /** Base64; null for what is too large to send along. */
  raw: size > MAX_RAW ? null : Buffer.from(raw).toString('base64'),
});

/** Without its path, which may hold a secret. */
const originOf = ({ url }: WebhookRow): string => new URL(url).origin;

/** `{"action":"drop"}` drops, `{"isSpam":true|false}` decides; everything else is consent. */
const answerIn = (body: string, by: string): InboundAnswer => {
  const answer = objectIn(body);
  if (answer['action'] === 'drop') return { drop: by };
  return { spam: typeof answer['isSpam'] === 'boolean' ? answer['isSpam'] : null };
};

const objectIn = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
};
