/**
 * Which services share an operating-system process. Requests and live streams never wait for a page of events, mail coming in waits for
 * neither, and reading a crowd of mails delays none of them (architecture §1). Other people's servers keep only mail that goes out waiting. Sorting mail, telling those who are not looking and what follows
 * by itself all work off what is safe already.
 */
export const GROUPS = {
  projector: ['projector'],
  filing: ['filing', 'notifier', 'caretaker', 'importer', 'relay'],
  api: ['command-api', 'query-api', 'sse'],
  smtp: ['smtp-ingress'],
  egress: ['outbox', 'smtp-egress', 'gateway'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Group = keyof typeof GROUPS;
export type ServiceName = (typeof GROUPS)[Group][number];
/** Groups in the order of their start, with those of their services that run. */
export type Groups = ReadonlyMap<Group, readonly ServiceName[]>;

/**
 * Whose work can wait when there is not enough processor for all, as `nice` values. A mail that was accepted is safe: while a crowd of them
 * comes in, taking the next and showing what people write to each other goes before sorting.
 */
const NICENESS: Readonly<Partial<Record<Group, number>>> = { filing: 15 };

/** Of a process with these groups: where one of them is urgent, so is the process. */
export const nicenessOf = (groups: Groups): number | undefined =>
  groups.size === 1 ? NICENESS[[...groups.keys()][0] ?? 'api'] : undefined;

/**
 * For V8, by measurement: what is made for a mail, a request or a page of events is garbage a few milliseconds later, and in a larger nursery
 * more of it dies before a collection would copy it on. A page of a replay lives longest, and is over before V8 would have let its nursery grow.
 * Threads that read and check mail have the nursery of their process.
 */
export const NODE_OPTIONS: Readonly<Partial<Record<Group, readonly string[]>>> = {
  projector: ['--max-semi-space-size=64', '--min-semi-space-size=64'],
  smtp: ['--max-semi-space-size=32'],
  api: ['--max-semi-space-size=32'],
  egress: ['--max-semi-space-size=32', '--min-semi-space-size=16'],
};

/** For a process with these groups: the largest nursery that one of them asks for, which is the first's. */
export const nodeOptionsOf = (groups: Groups): readonly string[] =>
  [...groups.keys()].map((group) => NODE_OPTIONS[group]).find((options) => options !== undefined) ?? [];

/** In the order of their start: readers of read models come after the one who makes them. Stopping goes the other way round. */
export const groupNames = Object.keys(GROUPS) as readonly Group[]; // the keys of a constant are what they are

export const serviceNames: readonly ServiceName[] = groupNames.flatMap((group) => [...GROUPS[group]]);

export const isServiceName = (name: string): name is ServiceName => serviceNames.some((known) => known === name);

/** The groups that hold any of these services, with just those. */
export const groupsOf = (services: readonly ServiceName[]): Groups =>
  new Map(
    groupNames
      .map((group) => [group, GROUPS[group].filter((name) => services.includes(name))] as const)
      .filter(([, members]) => members.length > 0),
  );

/** As arguments of a process: `api command-api sse smtp smtp-ingress`, each group before its services. */
export const argsOf = (groups: Groups): readonly string[] => [...groups].flatMap(([group, services]) => [group, ...services]);

/** @returns null when there is something among the arguments that is neither group nor service, or nothing */
export const groupsFrom = (args: readonly string[]): Groups | null => {
  const groups = groupsOf(args.filter(isServiceName));
  return groups.size > 0 && args.every((arg) => isServiceName(arg) || groups.has(arg as Group)) ? groups : null; // `has` is the check
};
