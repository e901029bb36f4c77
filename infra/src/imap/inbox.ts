/** The inbox of an account, watched for what is new (RFC 3501, IDLE of RFC 2177). Mail is fetched, marked as seen, and stays where it is. */

export interface InboxAccount {
  readonly host: string;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly user: string;
  readonly pass: string;
}

/** How far an inbox was read: UIDs count only together with their validity (RFC 3501 §2.3.1.1). */
export interface Place {
  readonly uidValidity: string;
  readonly uid: number;
}

export interface NewMail {
  readonly place: Place;
  readonly raw: Buffer;
}

export interface Inbox {
  /** Mails behind `after`, the oldest first; of an inbox that was made anew, all of them. Marks each as seen once `take` is done with it. */
  readonly read: (after: Place | null, take: (mail: NewMail) => Promise<void>) => Promise<void>;
  /** Until the server tells of something, the time is over, or `wake` is aborted. */
  readonly idle: (ms: number, wake: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

const CONNECT_MS = 30_000;

/** @param maxBytes larger mails are passed over @throws what the connection throws */
export const openInbox = async ({ host, port, tls, user, pass }: InboxAccount, maxBytes: number): Promise<Inbox> => {
  const { ImapFlow } = await import('imapflow'); // fifty files that few installations need
  const client = new ImapFlow({
    ...{ host, port, secure: tls === 'implicit', auth: { user, pass }, logger: false, disableAutoIdle: true },
    ...(tls === 'implicit' ? {} : { doSTARTTLS: tls === 'starttls' }),
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS },
  });
  // Without a listener an error between two commands would end the process; the next command tells it.
  client.on('error', () => undefined);
  await client.connect();
  const { uidValidity } = await client.mailboxOpen('INBOX');
  return {
    read: async (after, take) => {
      const validity = String(uidValidity);
      const from = after?.uidValidity === validity ? after.uid + 1 : 1;
      await client.noop(); // the server tells what has come since
      const found = await client.search({ uid: `${from}:*` }, { uid: true });
      // `n:*` names the last mail, also where its UID is below n (RFC 3501 §6.4.8).
      const uids = (Array.isArray(found) ? found : []).filter((uid) => uid >= from).toSorted((a, b) => a - b);
      for (const uid of uids) {
        const told = await client.fetchOne(String(uid), { uid: true, size: true }, { uid: true });
        if (told === false || (told.size ?? 0) > maxBytes) continue;
        const mail = await client.fetchOne(String(uid), { uid: true, source: true }, { uid: true });
        if (mail === false || mail.source === undefined) continue;
        await take({ place: { uidValidity: validity, uid }, raw: mail.source });
        await client.messageFlagsAdd(String(uid), ['\\Seen'], { uid: true });
      }
    },
    idle: async (ms, wake) => {
      if (wake.aborted) return;
      const stirred = Promise.withResolvers<void>();
      const stir = (): void => stirred.resolve();
      const timer = setTimeout(stir, ms);
      client.on('exists', stir).on('close', stir);
      wake.addEventListener('abort', stir, { once: true });
      const idling = client.idle().catch(() => false);
      try {
        await stirred.promise;
      } finally {
        clearTimeout(timer);
        client.off('exists', stir).off('close', stir);
        wake.removeEventListener('abort', stir);
      }
      await client.noop(); // ends IDLE, and tells of a connection that is gone
      await idling;
    },
    close: async () => {
      await client.logout().catch(() => client.close());
    },
  };
};
