/**
 * The pages tell the truth: every `sh` block of README and how-to pages runs as it stands, in order, in one shell per page, against a started
 * program. A block with a file's name behind its language (`js chat.mjs`) is that file to those after it. Every relative link leads somewhere.
 * Blocks marked `console` are illustrations.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NOT_OURS = new Set(['node_modules', '.git', '.nx', '.data', '.bench']);

const pages: readonly string[] = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !NOT_OURS.has(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: 'utf8' }).map((name) => join(entry.name, name))
      : [entry.name],
  )
  .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
  .toSorted();

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

interface Block {
  readonly line: number;
  readonly code: string;
}
const shellBlocks = (markdown: string): readonly Block[] =>
  [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    code: match[1] ?? '',
  }));

const filesIn = (markdown: string): readonly { readonly name: string; readonly code: string }[] =>
  [...markdown.matchAll(/^```\w+ (\w+\.\w+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => ({ name, code }));

const runnable = pages.filter((page) => page === 'README.md' || page.startsWith(join('docs', 'how-to')));

describe('what the pages say to run', () => {
  let program: Program;
  /** Where a reader saves files: within the repository, whose packages they import. */
  let saved: string;
  beforeAll(async () => {
    mkdirSync(join(ROOT, '.data'), { recursive: true });
    saved = mkdtempSync(join(ROOT, '.data', 'docs-'));
    program = await startProgram({ ownPostgres: true });
  });
  afterAll(async () => {
    rmSync(saved, { recursive: true, force: true });
    await program.stop();
  });

  /** A reader sees an error answer; a script must be told to. A pipe fails where any part of it does. */
  const PROLOGUE = `
set -e -o pipefail
curl() { command curl --fail --show-error "$@"; }
`;
  const HANG_MS = 60_000;

  /** @returns how the shell ended, and what it printed, each block under its line number */
  const run = async (page: string): Promise<{ readonly code: number | null; readonly output: string }> => {
    const blocks = shellBlocks(read(page)).map(({ line, code }) => `echo '--- ${page}:${line}'\n${code}`);
    const here = (text: string): string =>
      text.replaceAll('localhost:8080', new URL(program.httpUrl).host).replaceAll('localhost:2525', `localhost:${program.smtpPort}`);
    const files = filesIn(read(page));
    for (const { name, code } of files) writeFileSync(join(saved, name), here(code));
    const script = files.reduce(
      (text, { name }) => text.replaceAll(` ${name}`, ` ${join(saved, name)}`),
      here(`${PROLOGUE}${blocks.join('\n')}`),
    );
    const shell = spawn('bash', ['-c', script], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a group of its own, so that what hangs can be ended with all it started.
      detached: true,
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        HOME: process.env['HOME'],
        DATA_DIR: program.dataDir,
      },
    });
    let output = '';
    shell.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    shell.stderr.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    const limit = setTimeout(() => {
      output += `\n(ended: longer than ${HANG_MS / 1000} s)`;
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    }, HANG_MS);
    const code = await new Promise<number | null>((done) => shell.once('close', done));
    clearTimeout(limit);
    return { code, output };
  };

  it.each(runnable.filter((page) => shellBlocks(read(page)).length > 0))('%s', async (page) => {
    const { code, output } = await run(page);
    expect(code, output).toBe(0);
    // What a reader would take for a failure, although every command ended well.
    expect(output).not.toMatch(/^undefined$|"errorCode"/m);
  });

  it('has something to run on the pages for newcomers', () => {
    const withBlocks = runnable.filter((page) => shellBlocks(read(page)).length > 0);
    expect(withBlocks).toEqual(
      expect.arrayContaining([
        'README.md',
        join('docs', 'how-to', 'add-chat.md'),
        join('docs', 'how-to', 'chat.md'),
        join('docs', 'how-to', 'receive-mail.md'),
      ]),
    );
  });
});

describe('where the pages lead', () => {
  /** As GitHub makes them: lower case, without punctuation, dashes for spaces. */
  const anchorsOf = (markdown: string): ReadonlySet<string> =>
    new Set(
      [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replaceAll(/\s/g, '-'),
      ),
    );
  const withoutCode = (markdown: string): string => markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');

  /** @returns links that lead nowhere, as `page → link` */
  const broken = (page: string): readonly string[] =>
    [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^[a-z]+:/i.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
        if (!existsSync(target)) return true;
        return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
      })
      .map((link) => `${page} → ${link}`);

  it('knows the pages', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', relative(ROOT, join(ROOT, 'docs/reference/events.md'))]));
  });

  it('is somewhere', () => {
    expect(pages.flatMap(broken)).toEqual([]);
  });
});
