/**
 * The base subject of RFC 5256 §2.1: what is left of a subject when all that replying and forwarding put around it is gone. Two mails
 * of one conversation have the same one. Beyond the RFC it knows the reply and forward words of other languages and counters such as
 * `Re[2]:`. Takes time linear in the subject, whatever a stranger writes there.
 */

/** In lower case. Outlook, Notes, Gmail, Foxmail and others write these in front of a colon. */
const REPLY_AND_FORWARD_WORDS: ReadonlySet<string> = new Set(
  [
    're fw fwd', // RFC 5256
    'tr rép rep réf ref', // French
    'aw wg', // German
    'antw antwoord doorst betr', // Dutch
    'sv vs vb vl vid', // Swedish, Norwegian, Danish, Finnish
    'r rif i inoltra', // Italian
    'rv res enc', // Spanish, Portuguese
    'odp pd', // Polish
    'ynt ilt i̇lt', // Turkish
    'vá továbbítás', // Hungarian
    'απ σχετ πρθ', // Greek
    'отв ответ переслано на', // Russian, Bulgarian
    'רע הועבר رد', // Hebrew, Arabic
    '回复 回覆 答复 答覆 转发 轉寄 轉發 返信 転送 회신 답장 전달', // Chinese, Japanese, Korean
  ].flatMap((words) => words.normalize('NFC').split(' ')),
);

// subj-refwd. The colon may be the full-width one; a counter may stand in `[2]`, `(2)` or `^2`.
const REFWD = /(\p{L}[\p{L}\p{M}]{0,15}) ?(?:\[[^[\]]*\] ?|\(\d{1,4}\) ?|\^\d{1,4} ?)?[:：]/uy;
// subj-blob: a list's tag, mostly.
const BLOB = /\[[^[\]]*\]/y;
const TRAILER = '(fwd)';
const FORWARD_HEADER = '[fwd:';

/** For comparing: lower-case, white space collapsed. `subject` is decoded already (RFC 2047). */
export const baseSubject = (subject: string): string => {
  const text = folded(subject);
  let [start, end] = [0, text.length];
  for (;;) {
    end = beforeTrailers(text, start, end); // step 2
    start = behindLeaders(text, start, end); // steps 3 to 5
    if (!text.startsWith(FORWARD_HEADER, start) || end - start <= FORWARD_HEADER.length || text[end - 1] !== ']') {
      return text.slice(start, end).trim();
    }
    start += FORWARD_HEADER.length; // step 6, and again from step 2
    end -= 1;
  }
};

export interface SubjectPrefix {
  /** `Re`, `AW`, `回复` as they stand there. */
  readonly word: string;
  /** What is left behind it. */
  readonly rest: string;
}

/** The reply or forward word that a subject begins with, with its counter; null when it begins with none. */
export const prefixOf = (subject: string): SubjectPrefix | null => {
  const text = subject.trimStart().slice(0, 2000);
  const found = matchAt(REFWD, text, 0, text.length);
  const word = found?.[1]?.normalize('NFC') ?? '';
  if (found === null || !REPLY_AND_FORWARD_WORDS.has(word.toLowerCase().normalize('NFC'))) return null;
  return { word, rest: subject.trimStart().slice(found[0].length).trimStart() };
};

const folded = (subject: string): string => subject.normalize('NFC').toLowerCase().normalize('NFC').replace(/\s+/g, ' ').trim();

const beforeTrailers = (text: string, start: number, end: number): number => {
  let at = end;
  while (at > start && text[at - 1] === ' ') at -= 1;
  while (at - TRAILER.length >= start && text.startsWith(TRAILER, at - TRAILER.length)) {
    at -= TRAILER.length;
    while (at > start && text[at - 1] === ' ') at -= 1;
  }
  return at;
};

/**
 * The RFC takes `*subj-blob subj-refwd` at a time and then single blobs, until neither is left. Taking one piece at a time ends in the
 * same place and looks at each character once.
 */
const behindLeaders = (text: string, start: number, end: number): number => {
  let at = start;
  for (;;) {
    while (at < end && text[at] === ' ') at += 1;
    const refwd = matchAt(REFWD, text, at, end);
    if (refwd !== null && REPLY_AND_FORWARD_WORDS.has(refwd[1] ?? '')) {
      at += refwd[0].length;
      continue;
    }
    const blob = matchAt(BLOB, text, at, end);
    // step 4: a blob goes only if something is left behind it (no space is: beforeTrailers took those at the end)
    if (blob === null || at + blob[0].length >= end) return at;
    at += blob[0].length;
  }
};

const matchAt = (sticky: RegExp, text: string, at: number, end: number): RegExpExecArray | null => {
  sticky.lastIndex = at;
  const match = sticky.exec(text);
  return match !== null && at + match[0].length <= end ? match : null;
};
