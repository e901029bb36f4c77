/** Every read model that Tidings builds. One added here is registered, built and served at the next start. */
import { BlobStoreUnavailable, type BlobStore } from '@tidings/contracts/ports/blob-store';
import type { WordIndex } from '@tidings/contracts/ports/word-index';
import type { Projection } from '@tidings/contracts/projection';
import { mailTexts } from '@tidings/infra/mime/mail-texts';
import { blobReferences } from '@tidings/projections/blob-references/index';
import { contacts } from '@tidings/projections/contacts/index';
import { deliveries } from '@tidings/projections/deliveries/index';
import { drafts } from '@tidings/projections/drafts/index';
import { emails } from '@tidings/projections/emails/index';
import { feed } from '@tidings/projections/feed/index';
import { gatewayMails } from '@tidings/projections/gateway-mails/index';
import { imports } from '@tidings/projections/imports/index';
import { mailboxes } from '@tidings/projections/mailboxes/index';
import { mailPolicies } from '@tidings/projections/mail-policies/index';
import { mailSearch, wordsInIndex as mailWordsIn } from '@tidings/projections/mail-search/index';
import { mappings } from '@tidings/projections/mappings/index';
import { media } from '@tidings/projections/media/index';
import { messageSearch, messageSearchIn, wordsInIndex as messageWordsIn } from '@tidings/projections/message-search/index';
import { pushSubscriptions } from '@tidings/projections/push-subscriptions/index';
import { readStates } from '@tidings/projections/read-states/index';
import { relationships } from '@tidings/projections/relationships/index';
import { reports } from '@tidings/projections/reports/index';
import { rooms } from '@tidings/projections/rooms/index';
import { storage } from '@tidings/projections/storage/index';
import { answers } from '@tidings/projections/answers/index';
import { templates } from '@tidings/projections/templates/index';
import { threadMarks } from '@tidings/projections/thread-marks/index';
import { threadNotes } from '@tidings/projections/thread-notes/index';
import { threads } from '@tidings/projections/threads/index';
import { timeline } from '@tidings/projections/timeline/index';
import { userFacts } from '@tidings/projections/user-facts/index';
import { users } from '@tidings/projections/users/index';
import { webhooks } from '@tidings/projections/webhooks/index';

/**
 * @param blobs where the texts of mails are
 * @param index where words are kept instead of in Postgres; those that keep them there go on until the others have taken over
 */
export const projectionsOver = (blobs: Pick<BlobStore, 'read'>, index: WordIndex | null = null): readonly Projection[] => [
  users,
  relationships,
  rooms,
  timeline,
  readStates,
  ...(index === null ? [messageSearch] : [messageSearchIn(messageWordsIn(index)), former(messageSearch)]),
  media,
  feed,
  mailboxes,
  threads,
  threadMarks,
  threadNotes,
  emails,
  ...(index === null
    ? [mailSearch(mailTexts(blobs))]
    : [mailSearch(mailTexts(blobs), mailWordsIn(index)), former(mailSearch(mailTexts(blobs)))]),
  contacts,
  drafts,
  templates,
  answers,
  deliveries,
  storage,
  imports,
  mappings,
  gatewayMails,
  pushSubscriptions,
  mailPolicies,
  webhooks,
  reports,
  userFacts,
  blobReferences,
];

const former = (projection: Projection): Projection => ({ ...projection, former: true });

/** To know them by: names, versions and tables. Whoever runs them takes `projectionsOver`. */
export const projections: readonly Projection[] = projectionsOver({
  read: () => Promise.reject(new BlobStoreUnavailable('this projection was given no blobs')),
});
