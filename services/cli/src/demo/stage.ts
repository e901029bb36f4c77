/** How the story looks at the terminal: scenes, what people do, what their live streams tell, what the views show. */
import { styleText } from 'node:util';

export interface Stage {
  readonly title: (text: string, ...more: readonly string[]) => void;
  readonly scene: (title: string) => void;
  /** Someone acts. */
  readonly act: (text: string) => void;
  /** What was answered to that. */
  readonly answer: (text: string) => void;
  /** One line off someone's live stream. */
  readonly event: (who: string, type: string, about: string) => void;
  /** What a view shows, all at once, so that no event comes in between. */
  readonly view: (title: string, lines: readonly string[]) => void;
  readonly end: (text: string) => void;
}

/** @param stream decides about colour: none when it is no terminal, or with NO_COLOR */
export const createStage = (stream: NodeJS.WriteStream): Stage => {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { stream });
  const print = (...lines: readonly string[]): void => void stream.write(`${lines.join('\n')}\n`);
  let scenes = 0;
  return {
    title: (text, ...more) => print('', paint('bold', text), ...more.map((line) => paint('dim', line))),
    scene: (title) => print('', paint(['bold', 'cyan'], `${(scenes += 1)}. ${title}`)),
    act: (text) => print('', `  ${text}`),
    answer: (text) => print(paint('dim', `  ${text}`)),
    event: (who, type, about) => print(`  ${paint('green', '⇢')} ${paint('green', who.padEnd(WHO))}  ${paint('bold', type)}  ${about}`),
    view: (title, lines) => print('', `  ${paint('yellow', title)}`, ...lines.map((line) => `    ${line}`.trimEnd())),
    end: (text) => print('', paint('bold', text), ''),
  };
};

const WHO = 'alice'.length;

/** Columns that line up, two spaces between them. */
export const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
};

const WIDE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}、。]$/u;
/** In columns of a terminal: two for East Asian characters and emoji. */
const widthOf = (text: string): number => Array.from(text).reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);

/** On one line, at most so many characters. */
export const short = (text: string, most: number): string => {
  const line = Array.from(text.replaceAll(/\s+/g, ' ').trim());
  return line.length <= most ? line.join('') : `${line.slice(0, most - 1).join('')}…`;
};

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
