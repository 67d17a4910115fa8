/* Made from frontend/ by make static. */
"use strict";(()=>{function o(){let e=[],t=(...n)=>{t.c(n)};return t.q=e,t.c=n=>{e.push(n)},t}function r(e){return Object.prototype.hasOwnProperty.call(window,e)?Reflect.get(window,e):void 0}typeof r("Kapa")!="function"&&Object.assign(window,{Kapa:o()});})();
