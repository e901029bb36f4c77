/** What a reaction may be: one emoji of Unicode's recommended set (UTS #51, RGI), or a `:shortcode:` that clients draw as they like. */
import * as t from 'io-ts';
import { described } from './json-schema.ts';

const RGI = /^\p{RGI_Emoji}$/v;
const SHORTCODE = /^:[a-z0-9_+-]{1,50}:$/;
/** Asks for the colourful look of a character that may also be text (❤). Keyboards often leave it out. */
const EMOJI_STYLE = '\u{FE0F}';

const isEmoji = (u: unknown): u is string => typeof u === 'string' && u.length <= 64 && (RGI.test(u) || SHORTCODE.test(u));

export const Emoji = described(
  new t.Type<string>(
    'Emoji',
    isEmoji,
    (u, c) => {
      // So that the same reaction from two keyboards is one reaction.
      const qualified = [u, `${String(u)}${EMOJI_STYLE}`].find(isEmoji);
      return typeof u === 'string' && qualified !== undefined
        ? t.success(qualified)
        : t.failure(u, c, 'must be one emoji or a :shortcode:');
    },
    t.identity,
  ),
  { type: 'string', minLength: 1, maxLength: 64 },
);
