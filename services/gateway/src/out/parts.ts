/** What the way out works with. */
import type { OpenStreams } from '@tidings/contracts/ports/open-streams';
import type { Composer } from '@tidings/infra/compose/compose';
import type { Logger } from 'pino';
import type { ReplyAddresses } from '../../../platform/src/gateway/reply-addresses.ts';
import type { SignedLinks } from '../../../platform/src/gateway/signed-links.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export interface OutParts {
  /** Its commands read states as they are: who took something back a moment ago was faster. */
  readonly platform: Platform;
  readonly composer: Composer;
  readonly replyAddresses: ReplyAddresses;
  readonly links: SignedLinks;
  readonly openStreams: OpenStreams;
  /** Where clients reach the API. */
  readonly publicUrl: string;
  readonly logger: Logger;
}
