import { derivedId } from '@tidings/contracts/ids';

export const category = 'mailclaim';
/** Of a mail without a Message-ID, its content is its name. */
export const mailClaimKey = (messageId: string | null, contentHash: string): string =>
  derivedId('mail-claim', messageId ?? '', messageId === null ? contentHash : '');
