import { startPage } from '../shared/start-page.tsx';
import { Console } from './Console.tsx';

startPage(Console);
