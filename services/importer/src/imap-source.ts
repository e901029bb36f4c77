/** Mails of an IMAP account: folder after folder, each by rising UIDs, from behind the last one that was dealt with. */
import type { ImportFolder, ImportSource } from '@tidings/contracts/events/import';
import { ImapError, type Imap, type ImapFolder, type ImapMail, openImap } from '@tidings/infra/imap/imap';
import type { Guard } from '@tidings/infra/webhooks/guard';
import { folderMeaning } from '@tidings/domain/mail/folders';
import { BATCH_BYTES, LARGEST_MAIL, type Batch, type LostMail, type Source, SourceFailed, type SourceMail, TOO_LARGE } from './source.ts';

type ImapSource = Extract<ImportSource, { readonly type: 'imap' }>;

export interface ImapOptions {
  readonly username: string;
  readonly password: string;
  /** Null: all. */
  readonly wanted: readonly string[] | null;
  /** How far each folder was read before. */
  readonly from: readonly ImportFolder[];
  readonly guard: Guard;
}

const CONNECT_MS = 30_000;
/** Mails asked for at a time: few, since their sizes are known only then. */
const AT_ONCE = 60;

/** @throws SourceFailed, ImapError that passes */
export const openAccount = async ({ host, port, tls }: ImapSource, options: ImapOptions): Promise<Source> => {
  const { username, password, wanted, from, guard } = options;
  const imap = await lasting(() =>
    openImap({ host, port, tls, username, password }, guard, { connectMs: CONNECT_MS, maxMailBytes: LARGEST_MAIL }),
  );
  try {
    return await lasting(async () => {
      const folders = inOrder(chosen(await imap.folders(), wanted));
      const before = new Map(from.map((folder) => [folder.name, folder]));
      const plan: { readonly folder: ImapFolder; readonly state: ImportFolder; readonly left: readonly number[] }[] = [];
      for (const folder of folders) {
        const { uidValidity, uids } = await imap.open(folder);
        const known = before.get(folder.name);
        // Its UIDs mean something else now (RFC 9051 §2.3.1.1): from the beginning, and what is there already is found to be.
        const lastUid = known !== undefined && known.uidValidity === uidValidity ? known.lastUid : 0;
        const left = uids.filter((uid) => uid > lastUid);
        plan.push({
          folder,
          left,
          state: { name: folder.name, uidValidity, lastUid, total: uids.length, done: uids.length - left.length },
        });
      }
      const total = plan.reduce((sum, { state }) => sum + state.total, 0);
      return { total, batches: (signal) => batchesOf(imap, plan, signal), close: imap.close };
    });
  } catch (error) {
    await imap.close();
    throw error;
  }
};

async function* batchesOf(
  imap: Imap,
  plan: readonly { readonly folder: ImapFolder; readonly state: ImportFolder; readonly left: readonly number[] }[],
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const states = plan.map(({ state }) => state);
  for (const [nth, { folder, left }] of plan.entries()) {
    if (left.length === 0) continue;
    await lasting(() => imap.open(folder));
    for (let at = 0; at < left.length;) {
      const mails: (SourceMail | LostMail)[] = [];
      let bytes = 0;
      let last = 0;
      const begun = at;
      while (at < left.length && at - begun < AT_ONCE * 4 && bytes < BATCH_BYTES) {
        signal.throwIfAborted();
        const asked = left.slice(at, at + AT_ONCE);
        const found = await lasting(() => imap.read(asked));
        const here = new Map(found.map((mail) => [mail.uid, mail]));
        mails.push(...asked.map((uid) => sourceMail(folder, states[nth]?.uidValidity ?? '', uid, here.get(uid))));
        bytes += found.reduce((sum, { raw }) => sum + (raw?.length ?? 0), 0);
        at += asked.length;
        last = asked.at(-1) ?? last;
      }
      const state = states[nth];
      if (state !== undefined) states[nth] = { ...state, lastUid: last, done: state.done + (at - begun) };
      yield { mails, next: 0, folders: states.filter(({ done }) => done > 0) };
    }
  }
}

const sourceMail = (folder: ImapFolder, uidValidity: string, uid: number, mail: ImapMail | undefined): SourceMail | LostMail => {
  const id = `${folder.path}\u0000${uidValidity}\u0000${uid}`;
  const place = `${folder.name}, uid ${uid}`;
  if (mail === undefined) return { id, place, reason: 'it is no longer there' };
  const { raw, flags, at } = mail;
  if (raw === null) return { id, place, reason: TOO_LARGE };
  const has = (flag: string): boolean => [...flags].some((one) => one.toLowerCase() === flag);
  return {
    ...{ id, place, raw, at },
    known: {
      ...{ folder: folder.name, use: folder.use, isGuess: false, labels: null },
      tags: [...flags].filter((flag) => !/^[\\$]|^(non)?junk$|^old$/i.test(flag)),
      ...{ seen: has('\\seen'), flagged: has('\\flagged'), answered: has('\\answered'), forwarded: has('$forwarded') },
      ...{ draft: has('\\draft'), deleted: has('\\deleted') },
    },
  };
};

/** @throws SourceFailed for a folder that is not there */
const chosen = (all: readonly ImapFolder[], wanted: readonly string[] | null): readonly ImapFolder[] => {
  if (wanted === null) return all;
  const names = new Map(
    all.flatMap((folder) => [[folder.name.toLowerCase(), folder] as const, [folder.path.toLowerCase(), folder] as const]),
  );
  const unknown = wanted.filter((name) => !names.has(name.toLowerCase()));
  if (unknown.length > 0) {
    throw new SourceFailed({
      code: 'folder',
      field: 'imap.folders',
      message: `The server has no folder ${unknown.slice(0, 5).join(', ')}.`.slice(0, 1000),
    });
  }
  return [...new Set(wanted.flatMap((name) => names.get(name.toLowerCase()) ?? []))];
};

/** The inbox first, then what has a name of its own, and last what only holds copies of it all: the first place of a mail is the one that counts. */
const inOrder = (folders: readonly ImapFolder[]): readonly ImapFolder[] => {
  const rank = ({ name, use }: ImapFolder): number => {
    if (use.some((one) => /^\\(all|flagged|important)$/i.test(one))) return 3;
    const { place } = folderMeaning(name, use);
    return place === 'inbox' ? 0 : place === 'archive' ? 2 : 1;
  };
  return folders.toSorted((a, b) => rank(a) - rank(b));
};

/** What does not pass is the import's own end. */
const lasting = async <A>(work: () => Promise<A>): Promise<A> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ImapError) || error.passing) throw error;
    throw new SourceFailed({ code: error.code, field: `imap.${error.field}`, message: error.message }, error);
  }
};
