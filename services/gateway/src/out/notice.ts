/**
 * The mail that tells one member of one chat message: who wrote it, what, what it answers, and how to answer or have no more. The author's words come first
 * and stand alone, so that a preview shows them; what is quoted and said about the mail itself is what every mail program folds away. Pure.
 */
import type { MailToCompose } from '@tidings/infra/compose/mail';
import { type Conversation, escaped, fileHtml, fileText, fromOf, momentOf, oneLine, paragraphs, type Said, subjectOf } from './wording.ts';

export interface Notice {
  readonly service: string;
  /** The gateway's own. */
  readonly fromAddress: string;
  readonly conversation: Conversation;
  readonly message: Said;
  /** What was said before it, or what it answers; null for nothing that the reader may see. */
  readonly previous: Said | null;
  /** Of the reader. */
  readonly timeZone: string;
  /** There was a mail of this conversation before: this is an answer to it. */
  readonly isFollowUp: boolean;
  readonly unsubscribeUrl: string;
}

export type Worded = Pick<MailToCompose, 'from' | 'subject' | 'text' | 'html' | 'files'>;

export const noticeMail = (notice: Notice): Worded => {
  const { service, fromAddress, conversation, message, isFollowUp } = notice;
  const { author, file } = message;
  const subject = subjectOf(conversation, service);
  return {
    from: fromOf(author, fromAddress),
    subject: isFollowUp ? `Re: ${subject}` : subject,
    text: textOf(notice),
    html: htmlOf(notice),
    files: file?.attached == null ? [] : [file.attached],
  };
};

const wordsIn = ({ text, file }: Said): string => [text, file === null ? '' : fileText(file)].filter((part) => part !== '').join('\n\n');

const attribution = ({ author, at }: Said, zone: string): string => `On ${momentOf(at, zone)}, ${oneLine(author)} wrote:`;

const reasonOf = ({ conversation: { isGroup, name }, service }: Notice): string => {
  const where = name === null ? 'a conversation' : isGroup ? `“${oneLine(name)}”` : `a conversation with ${oneLine(name)}`;
  return `You are told because you take part in ${where} at ${oneLine(service)}. Answer this mail to answer there.`;
};

const quoted = (text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');

const textOf = (notice: Notice): string => {
  const { message, previous, timeZone, unsubscribeUrl } = notice;
  const before = previous === null ? [] : [`${attribution(previous, timeZone)}\n${quoted(wordsIn(previous))}`];
  return [wordsIn(message), ...before, `-- \n${reasonOf(notice)}\nNo more mail of this conversation: ${unsubscribeUrl}`].join('\n\n');
};

const htmlIn = ({ text, file }: Said): string => paragraphs(text) + (file === null ? '' : fileHtml(file));

const htmlOf = (notice: Notice): string => {
  const { message, previous, timeZone, unsubscribeUrl } = notice;
  const before =
    previous === null
      ? ''
      : `<br><div>${escaped(attribution(previous, timeZone))}<blockquote>${htmlIn({ ...previous, file: linkOnly(previous) })}</blockquote></div>`;
  return `${htmlIn(message)}${before}<br><div><small>${escaped(reasonOf(notice))} <a href="${escaped(unsubscribeUrl)}">No more mail of this conversation</a></small></div>`;
};

/** What was said before does not come along a second time. */
const linkOnly = ({ file }: Said): Said['file'] => (file === null ? null : { ...file, attached: null });
