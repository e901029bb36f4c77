/** The line that a list shows under a subject: the first words that the writer wrote, at most `PREVIEW_LENGTH` characters. */
export const PREVIEW_LENGTH = 140;

/** More is not looked at, of a line and of the whole: a mail may be megabytes of quotes or of one line. */
const LINE_LIMIT = 2000;
const TEXT_LIMIT = 100_000;
const SIGNATURE = /^-- ?\r?$/; // RFC 3676 §4.3
const QUOTED = /^ ?>/;
// Controls, and marks that only reorder or pad (newsletters fill their preview with these). Joiners and variation selectors stay: emoji
// and Persian need them.
const INVISIBLE = /[[\p{Cc}\p{Default_Ignorable_Code_Point}]--[\s\u200c\u200d\p{Variation_Selector}]]/gv;
const BLANK_RUN = /[\s\u200c\u200d]+/g;

/** Text in, one line out: without quotes and signature if something is left without them; `…` where it was cut. */
export const previewOf = (text: string): string => {
  const beginning = text.slice(0, TEXT_LIMIT);
  const written = gather(beginning, (line) => !QUOTED.test(line), true);
  return shortened(written === '' ? gather(beginning, () => true, false) : written);
};

const gather = (text: string, takes: (line: string) => boolean, endsAtSignature: boolean): string => {
  let gathered = '';
  for (const line of linesOf(text)) {
    if (endsAtSignature && SIGNATURE.test(line)) break;
    if (!takes(line)) continue;
    const clean = cleaned(line);
    if (clean !== '') gathered = gathered === '' ? clean : `${gathered} ${clean}`;
    if (gathered.length > PREVIEW_LENGTH * 2) break; // UTF-16 units: never fewer than characters
  }
  return gathered;
};

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start <= text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(start, Math.min(end, start + LINE_LIMIT));
    start = end + 1;
  }
}

const cleaned = (line: string): string =>
  line
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(BLANK_RUN, (run) => (/\s/.test(run) ? ' ' : run))
    .trim();

/** Cuts between words when one ends near the limit. */
const shortened = (line: string): string => {
  const characters = [...line];
  if (characters.length <= PREVIEW_LENGTH) return line;
  const lastSpace = characters.lastIndexOf(' ', PREVIEW_LENGTH - 1);
  const end = lastSpace > PREVIEW_LENGTH - 25 ? lastSpace : PREVIEW_LENGTH - 1;
  return `${characters.slice(0, end).join('')}…`;
};
