/** What a product imports. */
export { createClient, ProblemError } from '../client.ts';
export { liveEvents } from '../events.ts';
