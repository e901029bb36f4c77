/**
 * One running program for all suites that need nothing but its defaults (no limit of rate is set, pictures from elsewhere are fetched, also from
 * private addresses, there is a second mail domain, and mailboxes have a quota that none comes near): a start costs more than most of what they do
 * with it. Each brings people, mailboxes and subjects of its own, counts nothing that others add to, and neither stops nor starts it; a suite that
 * does has its own (`startProgram`).
 */
import { inject } from 'vitest';
import { borrowIssuer, type TestIssuer } from './issuer.ts';
import type { ReachableProgram, Told } from './program-holder.ts';
import './global-setup.ts';

export interface Shared {
  readonly program: ReachableProgram;
  /** The issuer it trusts. Whoever takes part has subjects of their own. */
  readonly issuer: TestIssuer;
}

/** The one that runs, or that the first who asks has started. */
export const sharedProgram = async (): Promise<Shared> => {
  const response = await fetch(inject('sharedProgramUrl'));
  if (response.status !== 200) throw new Error(`the shared program did not start: ${await response.text()}`);
  const { program, issuer } = (await response.json()) as Told; // of the holder
  return { program, issuer: await borrowIssuer(issuer) };
};
