/* Made from frontend/ by make static. */
(()=>{(()=>{"use strict";let t=window;if(typeof t.Kapa=="function")return;let n=function(){n.c(arguments)};n.q=[],n.c=n.q.push.bind(n.q),t.Kapa=n})();})();
