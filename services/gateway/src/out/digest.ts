/** One mail for all that was said in someone's rooms since the last one. Pure. */
import {
  clockOf,
  type Conversation,
  dayOf,
  escaped,
  fileHtml,
  fileText,
  fromOf,
  oneLine,
  paragraphs,
  type Said,
  subjectOf,
} from './wording.ts';
import type { Worded } from './notice.ts';

/** What was said in one of them, in order. */
export interface DigestRoom {
  readonly conversation: Conversation;
  readonly messages: readonly Said[];
  /** Those behind them that are not shown. */
  readonly more: number;
  readonly replyAddress: string;
  readonly unsubscribeUrl: string;
}

export interface Digest {
  readonly service: string;
  readonly fromAddress: string;
  readonly timeZone: string;
  /** At least one. */
  readonly rooms: readonly DigestRoom[];
}

export const digestMail = ({ service, fromAddress, timeZone, rooms }: Digest): Worded => {
  const count = rooms.reduce((sum, { messages, more }) => sum + messages.length + more, 0);
  const where = rooms.length === 1 && rooms[0] !== undefined ? subjectOf(rooms[0].conversation, service) : `${rooms.length} conversations`;
  return {
    from: fromOf(service, fromAddress),
    subject: `${count === 1 ? 'A new message' : `${count} new messages`} in ${where}`,
    text: rooms.map((room) => roomText(room, service, timeZone)).join('\n\n\n'),
    html: rooms.map((room) => roomHtml(room, service, timeZone)).join('<hr>'),
    files: [],
  };
};

const rest = (more: number): string => (more === 1 ? 'And one more.' : `And ${more} more.`);

const saidAt = ({ author, at }: Said, zone: string): string => `${oneLine(author)}, ${dayOf(at, zone)}, ${clockOf(at, zone)}`;

const roomText = ({ conversation, messages, more, replyAddress, unsubscribeUrl }: DigestRoom, service: string, zone: string): string =>
  [
    subjectOf(conversation, service),
    ...messages.map((said) =>
      [`${saidAt(said, zone)}:`, said.text, said.file === null ? '' : fileText(said.file)].filter((line) => line !== '').join('\n'),
    ),
    ...(more === 0 ? [] : [rest(more)]),
    `Answer: ${replyAddress}\nNo more mail of this conversation: ${unsubscribeUrl}`,
  ].join('\n\n');

const roomHtml = ({ conversation, messages, more, replyAddress, unsubscribeUrl }: DigestRoom, service: string, zone: string): string =>
  [
    `<h2>${escaped(subjectOf(conversation, service))}</h2>`,
    ...messages.map(
      (said) => `<p><b>${escaped(saidAt(said, zone))}</b></p>${paragraphs(said.text)}${said.file === null ? '' : fileHtml(said.file)}`,
    ),
    ...(more === 0 ? [] : [`<p>${rest(more)}</p>`]),
    `<p><small><a href="mailto:${escaped(replyAddress)}">Answer</a> · <a href="${escaped(unsubscribeUrl)}">No more mail of this conversation</a></small></p>`,
  ].join('');
