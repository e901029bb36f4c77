/** How a webhook that brings mail is told apart from others: who may call it, what it takes, and what its provider understands. */
import type { Door as DoorName } from '@tidings/contracts/events/gateway-mail';
import type { Delivery } from './delivery.ts';

export interface InboundRequest {
  readonly body: Buffer;
  readonly header: (name: string) => string | null;
  readonly contentType: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Door {
  readonly name: DoorName;
  /** Content types that it takes. */
  readonly types: RegExp;
  /** Before anything of the body is understood, as far as the provider allows. @throws ApiError 401 */
  readonly authenticate: (request: InboundRequest) => void | Promise<void>;
  /** Null for a call that brings no mail. @throws ApiError 400 */
  readonly read: (request: InboundRequest) => Promise<Delivery | null>;
  /** The status by which its provider stops trying again, for what will never be taken; else 422. */
  readonly stop?: number;
}
