/** A Web Push message as an HTTP call: encrypted for one browser (RFC 8291), signed with our key (RFC 8292). */
import webPush from 'web-push';
import type { Call } from '../webhooks/caller.ts';
import type { VapidKeys } from './vapid.ts';

export interface Browser {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/** What every push service must take (RFC 8030 §7.2 asks for 4096 bytes in all, encryption takes some 100 of them). */
export const MAX_PUSH_BYTES = 3_900;
/** How long the push service keeps it for a browser that is off. */
const TTL_SECONDS = 24 * 60 * 60;

/** @param contact a `mailto:` or `https:` URL. @throws when the browser's keys are none */
export const pushCall = (browser: Browser, payload: string, keys: VapidKeys, contact: string): Call => {
  const { endpoint, headers, body } = webPush.generateRequestDetails(
    { endpoint: browser.endpoint, keys: { p256dh: browser.p256dh, auth: browser.auth } },
    payload,
    { TTL: TTL_SECONDS, urgency: 'high', contentEncoding: 'aes128gcm', vapidDetails: { subject: contact, ...keys } },
  );
  return {
    url: endpoint,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: body ?? '',
  };
};
