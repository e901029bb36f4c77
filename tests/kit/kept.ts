/** What is fetched or built once on a machine, and kept for later runs. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes `folder` unless it is there. It appears whole, however many runs make it at once.
 * @param fill gives the folder to keep, in the empty one that it gets
 */
export const keep = async (folder: string, fill: (work: string) => Promise<string>): Promise<void> => {
  if (existsSync(folder)) return;
  const beside = dirname(folder); // a folder is not renamed from one file system to another, and temporary ones may lie in memory
  await mkdir(beside, { recursive: true });
  const work = await mkdtemp(join(beside, 'incoming-'));
  try {
    await rename(await fill(work), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // else another run was faster
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

export type Artifact = readonly [group: string, artifact: string, version: string];

/** Keeps these artifacts of Maven Central with all that they need, and the class of `program`, which is compiled against them. */
export const keepJars = (folder: string, artifacts: readonly Artifact[], program: string): Promise<void> =>
  keep(folder, async (work) => {
    const dependencies = artifacts.map(
      ([group, artifact, version]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
    );
    await writeFile(
      join(work, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
       <groupId>tidings</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>
       <dependencies>${dependencies.join('')}</dependencies></project>`,
    );
    const jars = join(work, 'jars');
    await run('mvn', ['-q', '-B', '-f', work, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]);
    await run('javac', ['-cp', `${jars}/*`, '-d', jars, program]);
    return jars;
  });
