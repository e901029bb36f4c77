/** `npm run golden`: writes missing golden files (golden.ts). */
import { eventDefinitions } from '@tidings/contracts/events/index';
import { GOLDEN_FOLDER, writeMissing } from './golden.ts';

const written = await writeMissing(eventDefinitions, GOLDEN_FOLDER);
process.stdout.write(written.length === 0 ? 'every golden file is there\n' : `wrote ${written.join(', ')}\n`);
