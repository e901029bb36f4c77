import { derivedId, type DraftId, type EmailId } from '@tidings/contracts/ids';

export const category = 'draft';
export const draftKey = (draft: DraftId): string => draft;

/** The mail that a draft becomes: the same whenever it is sent, so that it is sent once. */
export const emailOfDraft = (draft: DraftId): EmailId => derivedId<EmailId>('email-of-draft', draft);
