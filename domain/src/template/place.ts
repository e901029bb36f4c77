/**
 * Where a signature stands: below what its writer wrote, and above what they quote or pass on (as programs do that begin an answer above the
 * quote). Who answers between the lines of a quote signs at the end.
 */

const FORWARDED = '---------- Forwarded message ----------';

/** RFC 3676 §4.3: the mark `-- ` says that nothing but the signature follows, so above a quote there is none. */
export const signedText = (text: string, signature: string): string => {
  const at = quoteInText(text);
  const [own, quote] = [text.slice(0, at).trimEnd(), text.slice(at).replace(/^\n+/, '').trimEnd()];
  return quote === '' ? `${own}\n\n-- \n${signature}` : `${own}\n\n${signature}\n\n${quote}`;
};

/** @param signature as HTML */
export const signedHtml = (html: string, signature: string): string => {
  const at = quoteInHtml(html);
  const [own, quote] = [html.slice(0, at), html.slice(at)];
  return quote === '' ? `${own}<br><div>-- <br>${signature}</div>` : `${own}<div>${signature}</div><br>${quote}`;
};

/** Where the quote begins that ends the text, with the line that says whose it is; the text's end when there is none. */
const quoteInText = (text: string): number => {
  const lines = text.split('\n');
  const forwarded = lines.indexOf(FORWARDED);
  if (forwarded >= 0) return lengthOf(lines.slice(0, forwarded));
  let first = lines.length;
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const line = lines[at] ?? '';
    if (line.startsWith('>')) first = at;
    else if (line.trim() !== '') break;
  }
  if (first === lines.length) return text.length;
  let intro = first - 1;
  while (intro > 0 && (lines[intro] ?? '').trim() === '') intro -= 1;
  return lengthOf(lines.slice(0, (lines[intro] ?? '').trimEnd().endsWith(':') ? intro : first));
};

/** With their line ends. */
const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 1, 0);

const END = '</blockquote>';

const quoteInHtml = (html: string): number => {
  const forwarded = html.indexOf(`<p>${FORWARDED}`);
  if (forwarded >= 0) return forwarded;
  const trimmed = html.replace(/(?:\s|<br ?\/?>|<p>(?:\s|<br ?\/?>|&nbsp;)*<\/p>)+$/i, '');
  if (!trimmed.endsWith(END)) return html.length;
  let [depth, opened] = [0, html.length];
  const marks = [...trimmed.matchAll(/<(\/?)blockquote\b/gi)];
  for (const { 1: isEnd, index } of marks.toReversed()) {
    depth += isEnd === '/' ? 1 : -1;
    if (depth > 0) continue;
    opened = index;
    break;
  }
  const intro = /<p>[^<]*:<\/p>\s*$/.exec(trimmed.slice(0, opened));
  return intro === null ? opened : intro.index;
};
