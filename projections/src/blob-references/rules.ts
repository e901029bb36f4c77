/**
 * Who keeps bytes, and what lets go of them (docs/decisions/034): the one place. An event type that carries a `BlobId` does not compile without
 * its rule in `KEEPERS`; one that ends what keeps bytes has its rule in `ENDINGS`. Bytes that nobody keeps are removed after a while.
 */
import type { EventType, TidingsEvent } from '@tidings/contracts/events/index';
import type {
  BlobId,
  DraftId,
  EmailId,
  GatewayMailId,
  ImportId,
  MailboxId,
  MediaId,
  RoomId,
  ThreadId,
  UserId,
} from '@tidings/contracts/ids';

/** Who keeps bytes: a path, like `mailbox/<id>/received/<id>`. Letting go of a path lets go of all below it. */
export type Holder = string;

const mailbox = (id: MailboxId): Holder => `mailbox/${id}`;
const user = (id: UserId): Holder => `user/${id}`;
const room = (id: RoomId): Holder => `room/${id}`;
const received = (box: MailboxId, email: EmailId): Holder => `${mailbox(box)}/received/${email}`;
const thread = (box: MailboxId, id: ThreadId): Holder => `${mailbox(box)}/thread/${id}`;
const filed = (box: MailboxId, threadId: ThreadId, email: EmailId): Holder => `${thread(box, threadId)}/email/${email}`;
const outbound = (box: MailboxId, email: EmailId): Holder => `${mailbox(box)}/outbound/${email}`;
const reported = (box: MailboxId, email: EmailId, report: EmailId): Holder => `${outbound(box, email)}/report/${report}`;
const draft = (box: MailboxId, id: DraftId): Holder => `${mailbox(box)}/draft/${id}`;
const written = (box: MailboxId, id: DraftId): Holder => `${draft(box, id)}/content`;
const submitted = (box: MailboxId, id: DraftId): Holder => `${draft(box, id)}/submission`;
const attachable = (box: MailboxId, blob: BlobId): Holder => `${mailbox(box)}/upload/${blob}`;
const source = (box: MailboxId, id: ImportId): Holder => `${mailbox(box)}/import/${id}`;
const media = (by: UserId, id: MediaId): Holder => `${user(by)}/media/${id}`;
const gatewayMail = (from: UserId, id: GatewayMailId): Holder => `${user(from)}/gateway-mail/${id}`;
const image = (of: RoomId): Holder => `${room(of)}/image`;

type DataOf<T extends EventType> = Extract<TidingsEvent, { type: T }>['data'];

/** `true` where a type has a `BlobId` in it, so many steps down; what lies deeper is found by rules.test.ts. */
type HasBlob<T, Deep extends readonly unknown[] = [1, 2, 3, 4, 5]> = T extends BlobId
  ? true
  : T extends string | number | boolean | null | undefined
    ? never
    : Deep extends readonly [unknown, ...infer Less]
      ? T extends readonly (infer A)[]
        ? HasBlob<A, Less>
        : T extends object
          ? { [K in keyof T]-?: HasBlob<T[K], Less> }[keyof T]
          : never
      : never;
type TypeWithBlobs<E> = E extends { readonly type: infer T; readonly data: infer D } ? ([HasBlob<D>] extends [never] ? never : T) : never;
/** Every event type that carries a `BlobId`. */
export type BlobEventType = TypeWithBlobs<TidingsEvent>;

export interface Keeper<Data> {
  /** They keep what the event names from here on, instead of what they kept before. */
  readonly by: (data: Data) => readonly Holder[];
  /** What lets go of it again; each has its rule in `ENDINGS`, or sets the same holder anew. */
  readonly until: readonly [EventType, ...EventType[]];
  /** Fields of the event that name bytes without keeping them, such as what a draft has no use for any more. */
  readonly butNot?: readonly string[];
}

/** Null for a type that only names what is let go of: its rule is in `ENDINGS`. */
export const KEEPERS: { readonly [T in BlobEventType]: Keeper<DataOf<T>> | null } = {
  EmailReceived: {
    by: ({ emailId, recipients }) => recipients.map(({ mailboxId }) => received(mailboxId, emailId)),
    until: ['EmailFiled', 'FilingDecided', 'MailboxClosed'],
  },
  EmailFiled: {
    by: ({ mailboxId, threadId, emailId }) => [filed(mailboxId, threadId, emailId)],
    until: ['EmailsDestroyed', 'EmailsSplitOff', 'ThreadUnshared', 'MailboxClosed'],
  },
  // It is kept with its mailbox, since it may be tried again long after it failed.
  EmailQueued: { by: ({ mailboxId, emailId }) => [outbound(mailboxId, emailId)], until: ['MailboxClosed'] },
  RecipientsReported: { by: ({ mailboxId, emailId, reportId }) => [reported(mailboxId, emailId, reportId)], until: ['MailboxClosed'] },
  RecipientsComplained: { by: ({ mailboxId, emailId, reportId }) => [reported(mailboxId, emailId, reportId)], until: ['MailboxClosed'] },
  RecipientsAcknowledged: { by: ({ mailboxId, emailId, reportId }) => [reported(mailboxId, emailId, reportId)], until: ['MailboxClosed'] },
  BlobUploaded: { by: ({ mailboxId, blobId }) => [attachable(mailboxId, blobId)], until: ['UploadForgotten', 'MailboxClosed'] },
  UploadForgotten: null,
  DraftSaved: {
    by: ({ mailboxId, draftId }) => [written(mailboxId, draftId)],
    until: ['DraftSaved', 'DraftDiscarded', 'DraftDispatched', 'MailboxClosed'],
    butNot: ['releases'],
  },
  DraftDiscarded: null,
  // What is sent is kept on: nothing tells here when it is safely in the hands of who sends it.
  DraftSubmitted: {
    by: ({ mailboxId, draftId }) => [submitted(mailboxId, draftId)],
    until: ['DraftSendUndone', 'DraftDiscarded', 'MailboxClosed'],
  },
  DraftSendUndone: null,
  DraftDispatched: null,
  ImportRequested: {
    by: ({ mailboxId, importId }) => [source(mailboxId, importId)],
    until: ['ImportFinished', 'ImportFailed', 'ImportCancelled', 'MailboxClosed'],
  },
  MediaUploaded: { by: ({ uploadedBy, mediaId }) => [media(uploadedBy, mediaId)], until: ['SubjectErased'] },
  // The whole mail is kept behind what was posted of it.
  GatewayMailReceived: {
    by: ({ senderId, mailId }) => [gatewayMail(senderId, mailId)],
    until: ['GatewayMailSettled', 'HeldMailRefused', 'SubjectErased'],
  },
  RoomImageChanged: { by: ({ roomId }) => [image(roomId)], until: ['RoomImageChanged', 'RoomClosed'] },
};

export interface Ending<Data> {
  readonly of: (data: Data) => readonly Holder[];
  /**
   * For ever, and at once: it was erased. What would be kept below it later is not kept. Such a path has two parts.
   */
  readonly isErased?: true;
}

export const ENDINGS: { readonly [T in EventType]?: Ending<DataOf<T>> } = {
  // In the same step in which the thread begins to keep it.
  EmailFiled: { of: ({ mailboxId, emailId }) => [received(mailboxId, emailId)] },
  // A copy of what is there, not wanted, or kept with what it reports on; what goes into a thread is kept until it is there.
  FilingDecided: { of: ({ mailboxId, emailId, outcome }) => (outcome.type === 'thread' ? [] : [received(mailboxId, emailId)]) },
  UploadForgotten: { of: ({ mailboxId, blobId }) => [attachable(mailboxId, blobId)] },
  DraftSaved: { of: ({ draftId, movedFrom }) => (movedFrom === null ? [] : [draft(movedFrom, draftId)]) },
  DraftDiscarded: { of: ({ mailboxId, draftId }) => [draft(mailboxId, draftId)] },
  DraftSendUndone: { of: ({ mailboxId, draftId }) => [submitted(mailboxId, draftId)] },
  DraftDispatched: { of: ({ mailboxId, draftId }) => [written(mailboxId, draftId)] },
  ImportFinished: { of: ({ mailboxId, importId }) => [source(mailboxId, importId)] },
  ImportFailed: { of: ({ mailboxId, importId }) => [source(mailboxId, importId)] },
  ImportCancelled: { of: ({ mailboxId, importId }) => [source(mailboxId, importId)] },
  EmailsDestroyed: { of: ({ mailboxId, threadId, emailIds }) => emailIds.map((emailId) => filed(mailboxId, threadId, emailId)) },
  // They are filed in the thread that goes on from it, a moment later.
  EmailsSplitOff: { of: ({ mailboxId, threadId, emailIds }) => emailIds.map((emailId) => filed(mailboxId, threadId, emailId)) },
  ThreadUnshared: { of: ({ mailboxId, threadId }) => [thread(mailboxId, threadId)] },
  GatewayMailSettled: {
    of: ({ senderId, mailId, outcome }) => (outcome === 'posted' || outcome === 'held' ? [] : [gatewayMail(senderId, mailId)]),
  },
  HeldMailRefused: { of: ({ senderId, mailId }) => [gatewayMail(senderId, mailId)] },
  RoomClosed: { of: ({ roomId }) => [room(roomId)] },
  MailboxClosed: { of: ({ mailboxId }) => [mailbox(mailboxId)], isErased: true },
  SubjectErased: { of: ({ userId }) => [user(userId)], isErased: true },
};
