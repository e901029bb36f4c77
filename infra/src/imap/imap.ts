/**
 * Reading an account of an IMAP server (RFC 9051, 3501) from its first mail to its last: folders with what they are for, mails by their UIDs in
 * batches that fit into memory. Nothing is ever changed there. The host is looked up here, once, and what it resolves to is what we connect to.
 */
import { isIP } from 'node:net';
import type { ImapTls } from '@tidings/contracts/events/import';
import type { ImapFlow, ListResponse } from 'imapflow';
import { AddressRefused, guardedLookup, type Guard } from '../webhooks/guard.ts';

export interface ImapAccount {
  readonly host: string;
  readonly port: number;
  readonly tls: ImapTls;
  readonly username: string;
  readonly password: string;
}

export interface ImapFolder {
  /** As the server names it. */
  readonly path: string;
  /** `/` between its steps, whatever the server has there. */
  readonly name: string;
  readonly use: readonly string[];
}

export interface ImapMail {
  readonly uid: number;
  readonly size: number;
  /** Null for a mail that is over the limit. */
  readonly raw: Buffer | null;
  readonly flags: ReadonlySet<string>;
  /** When it came there; milliseconds. */
  readonly at: number | null;
}

export interface OpenFolder {
  readonly uidValidity: string;
  /** Ascending. */
  readonly uids: readonly number[];
}

export interface Imap {
  /** Those that hold mails. */
  readonly folders: () => Promise<readonly ImapFolder[]>;
  /** Reads of mails are of the folder opened last. */
  readonly open: (folder: ImapFolder) => Promise<OpenFolder>;
  /** In the order asked for; those that are gone in the meantime are left out. */
  readonly read: (uids: readonly number[]) => Promise<readonly ImapMail[]>;
  readonly close: () => Promise<void>;
}

/** What stands in the way, and which field of the account is at fault; `passing` may be gone the next time. */
export class ImapError extends Error {
  override readonly name = 'ImapError';
  readonly code: 'connection' | 'tls' | 'login' | 'folder';
  readonly field: 'host' | 'tls' | 'password' | 'folders';
  readonly passing: boolean;
  constructor(
    code: ImapError['code'],
    field: ImapError['field'],
    message: string,
    options: { readonly passing?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.field = field;
    this.passing = options.passing ?? false;
  }
}

export interface ImapLimits {
  readonly connectMs: number;
  /** Of one mail. */
  readonly maxMailBytes: number;
}

/** @throws ImapError */
export const openImap = async (account: ImapAccount, guard: Guard, { connectMs, maxMailBytes }: ImapLimits): Promise<Imap> => {
  const { ImapFlow } = await import('imapflow'); // fifty files that few installations need
  const client = new ImapFlow({
    host: await addressOf(account.host, guard),
    port: account.port,
    ...(isIP(account.host) === 0 ? { servername: account.host } : {}),
    secure: account.tls === 'implicit',
    // `starttls` insists on it; `none` does without, also where it is offered.
    ...(account.tls === 'implicit' ? {} : { doSTARTTLS: account.tls === 'starttls' }),
    auth: { user: account.username, pass: account.password },
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    disableAutoIdle: true,
    logger: false,
  });
  // Without a listener an error between two commands would end the process; the next command tells it.
  client.on('error', () => undefined);
  await asking(() => client.connect());
  return {
    folders: async () => (await asking(() => client.list())).filter(holdsMail).map(folderOf),
    open: async ({ path }) => {
      const { uidValidity } = await asking(() => client.mailboxOpen(path, { readOnly: true }));
      const found = await asking(() => client.search({ all: true }, { uid: true }));
      return { uidValidity: String(uidValidity), uids: Array.isArray(found) ? found.toSorted((a, b) => a - b) : [] };
    },
    read: (uids) => asking(() => readMails(client, uids, maxMailBytes)),
    close: async () => {
      await client.logout().catch(() => client.close());
    },
  };
};

/** Sizes first: a mail that is over the limit is never fetched. */
const readMails = async (client: ImapFlow, uids: readonly number[], maxBytes: number): Promise<readonly ImapMail[]> => {
  const mails = new Map<number, ImapMail>();
  for await (const { uid, size = 0, flags = new Set<string>(), internalDate } of client.fetch(
    [...uids],
    { uid: true, size: true, flags: true, internalDate: true },
    { uid: true },
  )) {
    const at = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
    mails.set(uid, { uid, size, raw: null, flags, at: Number.isNaN(at) ? null : at });
  }
  const wanted = [...mails.values()].filter(({ size }) => size <= maxBytes).map(({ uid }) => uid);
  if (wanted.length > 0) {
    for await (const { uid, source } of client.fetch(wanted, { uid: true, source: true }, { uid: true })) {
      const mail = mails.get(uid);
      if (mail !== undefined && source !== undefined) mails.set(uid, { ...mail, raw: source });
    }
  }
  return uids.flatMap((uid) => mails.get(uid) ?? []);
};

const holdsMail = ({ flags }: ListResponse): boolean => !flags.has('\\Noselect') && !flags.has('\\NonExistent');

const folderOf = ({ path, delimiter, specialUse, specialUseSource }: ListResponse): ImapFolder => ({
  path,
  name: delimiter === '' || delimiter === '/' ? path : path.split(delimiter).join('/'),
  // By the server's word alone: what names mean is said elsewhere.
  use: path.toUpperCase() === 'INBOX' ? ['\\Inbox'] : specialUse !== undefined && specialUseSource === 'extension' ? [specialUse] : [],
});

/** @throws ImapError */
const addressOf = (host: string, guard: Guard): Promise<string> =>
  new Promise((resolve, reject) => {
    if (isIP(host) !== 0) return resolve(host); // looked at as it was asked for
    guardedLookup(guard)(host, { all: false }, (error, address) => {
      if (error === null && typeof address === 'string') return resolve(address);
      const refused = error instanceof AddressRefused;
      const message = refused ? `${host} is at no public address.` : `${host} cannot be found.`;
      reject(new ImapError('connection', 'host', message, { passing: !refused, cause: error }));
    });
  });

/** What the library throws, in words for who asked. */
const asking = async <A>(ask: () => Promise<A>): Promise<A> => {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof ImapError) throw cause;
    const told: Partial<Record<'authenticationFailed' | 'tlsFailed' | 'mailboxMissing', boolean>> & { readonly code?: string } =
      cause instanceof Error ? (cause as Error & typeof told) : {}; // the library marks its errors by these fields
    if (told.authenticationFailed === true) {
      throw new ImapError('login', 'password', 'The server does not take this user name and password.', { cause });
    }
    if (told.tlsFailed === true || isTlsFault(told.code)) {
      throw new ImapError('tls', 'tls', `No secure connection can be made: ${messageOf(cause)}`, { cause });
    }
    if (told.mailboxMissing === true) throw new ImapError('folder', 'folders', 'The folder is no longer there.', { cause });
    throw new ImapError('connection', 'host', `The server cannot be reached: ${messageOf(cause)}`, { passing: true, cause });
  }
};

const isTlsFault = (code: string | undefined): boolean =>
  code !== undefined && /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(code);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);
