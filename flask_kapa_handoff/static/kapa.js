/* Made from frontend/ by make static. */
(()=>{var n=e=>Object.prototype.hasOwnProperty.call(window,e)?window[e]:void 0;(()=>{let e=window;if(typeof n("Kapa")=="function")return;let t=function(){t.c(arguments)};t.q=[],t.c=t.q.push.bind(t.q),e.Kapa=t})();})();
