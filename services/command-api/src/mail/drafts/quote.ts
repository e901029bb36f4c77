/** What an answer quotes, and what a forward passes on, as text and as HTML. */
import type { DraftContent, DraftParent } from '@tidings/contracts/events/draft';
import type { Address, EmailContent } from '@tidings/contracts/events/email';
import type { Composer } from '@tidings/infra/compose/compose';
import type { StoredBodies } from '@tidings/infra/mime/mime';

export interface Quotable {
  readonly mode: DraftParent['mode'];
  readonly content: EmailContent;
  readonly stored: StoredBodies;
  /** Of the mail, its pictures named by `cid:`; empty for one without HTML. */
  readonly html: string;
}

/** More is not quoted: who answers a mail of megabytes means its beginning. */
const MOST_TEXT_CHARS = 200_000;
const MOST_HTML_CHARS = 1_000_000;

/** A mail without HTML is answered without. The HTML is not sanitised yet. */
export const quoted = async (
  composer: Composer,
  { mode, content, stored, html }: Quotable,
): Promise<Pick<DraftContent, 'text' | 'html'>> => {
  const text = (await textOf(composer, stored, html)).slice(0, MOST_TEXT_CHARS).toWellFormed().trimEnd();
  const usable = html.length <= MOST_HTML_CHARS ? html : '';
  if (mode === 'forward') {
    const lines = headLines(content);
    const head = lines.map(([name, value]) => `<b>${name}:</b> ${escaped(value)}`).join('<br>');
    return {
      text: `\n\n---------- Forwarded message ----------\n${lines.map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${text}`,
      html: usable === '' ? '' : await composer.clean(`<p><br></p><p>---------- Forwarded message ----------<br>${head}</p>${usable}`),
    };
  }
  const intro = introOf(content);
  const quote = text
    .split('\n')
    .map((line) => (line.startsWith('>') ? `>${line}` : line === '' ? '>' : `> ${line}`))
    .join('\n');
  const block = `<blockquote type="cite" style="margin: 0 0 0 8px; border-left: 2px solid #cccccc; padding-left: 8px">${usable}</blockquote>`;
  return {
    text: `\n\n${intro}\n${quote}`,
    html: usable === '' ? '' : await composer.clean(`<p><br></p><p>${escaped(intro)}</p>${block}`),
  };
};

const textOf = async (composer: Composer, { details, bodies }: StoredBodies, html: string): Promise<string> => {
  const plain = details.textBody.filter(({ type }) => type === 'text/plain').map(({ partId }) => bodies[partId]?.value ?? '');
  return plain.length > 0 || html === '' ? plain.join('\n') : composer.text(html.slice(0, MOST_HTML_CHARS));
};

const introOf = ({ from, sentAt }: EmailContent): string => {
  const who = from.map(shown).join(', ') || 'somebody';
  return sentAt === null ? `${who} wrote:` : `On ${dateOf(sentAt)}, ${who} wrote:`;
};

const headLines = ({ from, to, cc, subject, sentAt }: EmailContent): readonly (readonly [string, string])[] =>
  (
    [
      ['From', from.map(shown).join(', ')],
      ['Date', sentAt === null ? '' : dateOf(sentAt)],
      ['Subject', subject],
      ['To', to.map(shown).join(', ')],
      ['Cc', cc.map(shown).join(', ')],
    ] as const
  ).filter(([, value]) => value !== '');

const shown = ({ name, email }: Address): string => (name === null ? email : `${name} <${email}>`);

/** The writer's own zone is not known any more. */
const dateOf = (sentAt: string): string => `${sentAt.slice(0, 10)} ${sentAt.slice(11, 16)} UTC`;

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '');
