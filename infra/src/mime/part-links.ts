/**
 * How sanitised HTML points at the mail's own parts (`cid:` images). The stored form names only the part, so that one stored body serves
 * every mailbox that holds the mail; readers put the way to it in.
 */
import type { EmailId } from '@tidings/contracts/ids';

/** No mail can bring this in: the sanitiser lets the scheme through only where it wrote it. */
export const partLink = (partId: string): string => `tidings-part:${partId}`;

const LINK = /"tidings-part:([0-9.]{1,400})"/g;

/** For readers: points the links at the authorised route of this email. */
export const resolvePartLinks = (html: string, emailId: EmailId): string =>
  html.includes('"tidings-part:') ? html.replace(LINK, (_, partId: string) => `"/api/emails/${emailId}/parts/${partId}"`) : html;
