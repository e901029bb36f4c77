/** How the stream looks on the wire (WHATWG HTML §9.2.6). JSON has no line breaks, so one `data:` line each. */
import { type EphemeralEvent, formatCursor, type LiveCursor, type LiveEvent } from '@tidings/contracts/http/live';

/** After a break, clients come back this soon. */
const RETRY_MS = 2000;

/**
 * Opens a stream. An `id` without data makes no event, but browsers remember it: a client that loses its connection before the first event
 * resumes from here all the same.
 */
export const opening = (from: LiveCursor): Buffer => Buffer.from(`retry: ${RETRY_MS}\n: connected\nid: ${formatCursor(from)}\n\n`);

export const eventFrame = (at: LiveCursor, json: string): Buffer => Buffer.from(`id: ${formatCursor(at)}\ndata: ${json}\n\n`);

export const liveFrame = (at: LiveCursor, event: LiveEvent): Buffer => eventFrame(at, JSON.stringify(event));

/** Without an id: the client goes on from the one before. */
export const ephemeralFrame = (event: EphemeralEvent): Buffer => Buffer.from(`data: ${JSON.stringify(event)}\n\n`);

/** A comment: keeps proxies from closing what looks dead, and tells us of peers that are. */
export const HEARTBEAT: Buffer = Buffer.from(':\n\n');
