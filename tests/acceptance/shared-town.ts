/** A town beside the program that suites share. */
import type { ReachableProgram } from '../kit/program-holder.ts';
import { sharedProgram } from '../kit/shared-program.ts';
import { foundTown, type Town } from './town.ts';

/** No other suite may have a town of this name. */
export const joinTown = async (name: string, size: number): Promise<Town & { readonly program: ReachableProgram }> => {
  const { program, issuer } = await sharedProgram();
  return { program, ...(await foundTown(name, size, 'tidings.test', issuer)) };
};
