import { workerData } from 'node:worker_threads';
import { mergeLog } from './sqlite-file.js';

/** The thread of `SqliteSnapshots`: makes one sound file out of a copied file and its log. */
mergeLog(workerData as string);
