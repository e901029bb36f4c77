/**
 * Plain text as `format=flowed` (RFC 3676): a paragraph is broken into short lines by a space at their ends, so that a reader's program can set
 * it to its own width, and one that knows nothing of this still shows short lines. Without DelSp: a script without spaces is not broken.
 */

/** RFC 3676 §4.2: lines of at most 78, so that quoting leaves room. */
const WIDTH = 72;
const SIGNATURE = '-- ';

export const flowed = (text: string): string => text.replace(/\r\n?/g, '\n').split('\n').flatMap(flowLine).join('\n');

/** What is quoted stays as long as it is: many programs would leave the marks of the broken line within the one they put together. */
const flowLine = (line: string): readonly string[] => {
  if (line === SIGNATURE) return [line]; // §4.3: fixed
  const content = line.replace(/ +$/, ''); // a space at the end would make it flow into the next
  if (content.startsWith('>')) return [content];
  return pieces(content).map((piece, at, all) => stuffed(piece) + (at < all.length - 1 ? ' ' : ''));
};

/** §4.4: what might be taken for stuffing or for the beginning of another mail. */
const stuffed = (piece: string): string => (/^(?: |From )/.test(piece) ? ` ${piece}` : piece);

/** Cut at spaces, the space itself left out; a word that is too long stays whole. */
const pieces = (content: string): readonly string[] => {
  const cut: string[] = [];
  let start = 0;
  while (content.length - start > WIDTH) {
    const space = spaceNear(content, start, start + WIDTH);
    if (space < 0) break;
    cut.push(content.slice(start, space));
    start = space + 1;
  }
  return [...cut, content.slice(start)];
};

/**
 * The last one up to `end`, else the next one. Never one that would leave a signature's line behind, nor one before what would have to be stuffed:
 * some programs put lines together first and unstuff them after that.
 */
const spaceNear = (content: string, start: number, end: number): number => {
  const from = content.startsWith(SIGNATURE, start) ? start + SIGNATURE.length : start + 1;
  for (let at = end; at >= from; at -= 1) if (breaksAt(content, at)) return at;
  for (let at = content.indexOf(' ', Math.max(from, end)); at >= 0; at = content.indexOf(' ', at + 1)) if (breaksAt(content, at)) return at;
  return -1;
};

const breaksAt = (content: string, at: number): boolean =>
  content[at] === ' ' && content[at + 1] !== ' ' && content[at + 1] !== '>' && !content.startsWith('From ', at + 1);
