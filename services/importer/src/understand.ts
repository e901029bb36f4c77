/** From the bytes of mails to what is filed: read in worker threads as mail from outside is, and looked at by nobody: it is old. */
import type { EmailContent } from '@tidings/contracts/events/email';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { previewOf } from '@tidings/domain/mail/preview';
import type { Mime, ReadyMail } from '@tidings/infra/mime/mime';
import type { Room } from '../../filing/src/room.ts';
import { isPassing } from '../../filing/src/passing.ts';
import { isLost, type LostMail, type SourceMail } from './source.ts';

export interface UnderstoodMail extends Omit<SourceMail, 'raw'> {
  readonly blobId: BlobId;
  readonly bodyBlobId: BlobId;
  readonly size: number;
  readonly content: EmailContent;
  readonly contentHash: string;
}

export interface UnderstandParts {
  readonly blobs: BlobStore;
  readonly mime: Mime;
  readonly room: Room;
}

/** Mails that go to a worker thread together, and their bytes: more than these a mail goes alone. */
const TOGETHER = 24;
const BYTES_TOGETHER = 512 * 1024;

/** In the order they came. @throws only for outages */
export const understandMails = async (
  mails: readonly (SourceMail | LostMail)[],
  parts: UnderstandParts,
): Promise<readonly (UnderstoodMail | LostMail)[]> => {
  const found = mails.filter((mail): mail is SourceMail => !isLost(mail));
  const understood = (await Promise.all(together(found).map((few) => understandFew(few, parts)))).flat();
  const byId = new Map(understood.map((mail) => [mail.id, mail]));
  return mails.flatMap((mail) => (isLost(mail) ? [mail] : (byId.get(mail.id) ?? [])));
};

const together = (mails: readonly SourceMail[]): readonly (readonly SourceMail[])[] => {
  const groups: SourceMail[][] = [];
  let bytes = Infinity;
  for (const mail of mails) {
    const last = groups.at(-1);
    if (last === undefined || last.length === TOGETHER || bytes + mail.raw.length > BYTES_TOGETHER) {
      groups.push([mail]);
      bytes = 0;
    } else last.push(mail);
    bytes += mail.raw.length;
  }
  return groups;
};

const understandFew = (
  mails: readonly SourceMail[],
  { blobs, mime, room }: UnderstandParts,
): Promise<readonly (UnderstoodMail | LostMail)[]> =>
  room(
    mails.reduce((sum, { raw }) => sum + raw.length, 0),
    async () => {
      const read = await mime.parseMany(mails.map(({ raw }) => raw));
      return Promise.all(read.flatMap((one, nth) => (mails[nth] === undefined ? [] : [keep(mails[nth], one, blobs)])));
    },
  );

const keep = async ({ raw, ...rest }: SourceMail, read: ReadyMail, blobs: BlobStore): Promise<UnderstoodMail | LostMail> => {
  try {
    const [{ id: blobId, size }, { id: bodyBlobId }] = await Promise.all([
      blobs.put(raw, { thenAppended: true }),
      blobs.put(read.stored, { thenAppended: true }),
    ]);
    const { content, opening, contentHash } = read;
    return { ...rest, blobId, bodyBlobId, size, content: { ...content, preview: previewOf(opening) }, contentHash };
  } catch (error) {
    if (isPassing(error)) throw error;
    return { id: rest.id, place: rest.place, reason: error instanceof Error ? error.message : String(error) };
  }
};
