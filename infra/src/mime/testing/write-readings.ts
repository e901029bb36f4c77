/** `node infra/src/mime/testing/write-readings.ts` records anew how the corpora read, for a reviewer to look at the difference. */
import { writeFileSync } from 'node:fs';
import { openMime } from '../mime.ts';
import { GOLDEN, own, readAll, real } from './readings.ts';

const mime = openMime();
const readings = await readAll(mime, [...own, ...real]);
writeFileSync(GOLDEN, readings.map((reading) => `${JSON.stringify(reading)}\n`).join(''));
await mime.close();
