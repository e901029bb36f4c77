/** The receiving end of Web Push, as a browser has it: its keys, and how it opens a message (RFC 8188, RFC 8291), written from the RFCs. */
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

export interface PushBrowser {
  /** As `PushSubscription.toJSON().keys`. */
  readonly keys: { readonly p256dh: string; readonly auth: string };
  /** @throws when the message is not for this browser */
  readonly open: (body: Buffer) => string;
}

export const newPushBrowser = (): PushBrowser => {
  const own = createECDH('prime256v1');
  own.generateKeys();
  const auth = randomBytes(16);
  return {
    keys: { p256dh: own.getPublicKey('base64url'), auth: auth.toString('base64url') },
    open: (body) => {
      const salt = body.subarray(0, 16); // RFC 8188 §2.1: salt, record size, length of the key id, key id
      const sender = body.subarray(21, 21 + (body[20] ?? 0));
      const sealed = body.subarray(21 + sender.length);
      const info = Buffer.concat([Buffer.from('WebPush: info\0'), own.getPublicKey(), sender]); // RFC 8291 §3.4
      const input = Buffer.from(hkdfSync('sha256', own.computeSecret(sender), auth, info, 32));
      const key = Buffer.from(hkdfSync('sha256', input, salt, 'Content-Encoding: aes128gcm\0', 16));
      const nonce = Buffer.from(hkdfSync('sha256', input, salt, 'Content-Encoding: nonce\0', 12));
      const cipher = createDecipheriv('aes-128-gcm', key, nonce);
      cipher.setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
      return plain.subarray(0, plain.lastIndexOf(2)).toString('utf8'); // the last record ends with a 2 and padding
    },
  };
};
