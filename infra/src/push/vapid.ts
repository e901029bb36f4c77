/** The key pair by which push services know us (RFC 8292). Made once and kept: browsers subscribe to the public half. */
import type { Pool } from 'pg';
import webPush from 'web-push';

export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Needs `migrateOutbound`. Whoever asks first, at any node, makes them. */
export const vapidKeys = async (pool: Pool): Promise<VapidKeys> => {
  const find = async (): Promise<VapidKeys | undefined> =>
    (await pool.query<VapidKeys>('select public_key as "publicKey", private_key as "privateKey" from outbound.vapid')).rows[0];
  const found = await find();
  if (found !== undefined) return found;
  const made = webPush.generateVAPIDKeys();
  await pool.query('insert into outbound.vapid (public_key, private_key) values ($1, $2) on conflict do nothing', [
    made.publicKey,
    made.privateKey,
  ]);
  return (await find()) ?? made;
};
