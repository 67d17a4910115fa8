"""The package's phrases with which visitors ask for a human, by language; :mod:`.human_requests` says how they read.

They are wishes of the visitor ("can I talk to a person"), so that a question about humans, agents or support is none:
"How do human agents work in the API?", "When a customer asks to talk to a human, which event fires?".
"""

from __future__ import annotations

from collections.abc import Mapping

_EN_WISH = (
    "(i [just|really] (want|need|wish|prefer|would like|d like|d love|d prefer|would prefer|wanna|would rather"
    "|d rather)"
    "|(can|could|may) i|(how|where) (do|can|could) i|let me|is there (a|any) way|is it possible|i am trying"
    "|i m trying"
    "|.[please|ok|okay|no|sorry|hi|hello|hey|just|instead])[to|just|please|rather]"
)
_EN_ONE = "[a|an|the|your|some|another|one of your][real|live|actual|living|human|proper]"
_EN_PERSON = (
    "(human|humans|human being|person|people|agent|someone|somebody|representative|rep|operator|employee|advisor"
    "|member of staff|staff|staff member|support|support team|support agent|support person|support engineer"
    "|support representative|customer service|customer support|customer care|tech support|technical support"
    "|service agent|customer service (agent|rep|representative)|team|sales)"
)
_EN_HELP = (
    "(human|human being|real person|live person|human agent|live agent|support agent|representative|support"
    "|support team"
    "|support staff|support person|customer service|customer support|customer care|tech support|technical support"
    "|(someone|somebody) (from|at|in|on) (your|the|support|sales))"
)
_EN_END = (
    "(.|please|now|here|instead|about|at your|in (sales|support|billing|accounting|charge)|from (your|support"
    "|the team)|who (can|could|knows|understands)|because"
    "|asap|regarding|today|directly|right|and|or|not|on the phone|by phone|for help|rather|if possible|at all)"
)
_DE_WISH = (
    "(ich (mochte|moechte|will|wurde|wuerde|muss|kann|wollte)|(kann|konnte|koennte|darf|kann denn|wie kann"
    "|wo kann|muss) ich"
    "|(mochte|moechte|wurde|wuerde) ich|lass mich|lasst mich|lassen sie mich|.[bitte])"
    "[bitte|gerne|gern|lieber|jetzt|direkt|endlich|auch|nur|einfach|hier|mal|irgendwie][bitte|direkt|mal|lieber"
    "|gerne|gern]"
)
_DE_ONE = "[einem|einer|nem|dem|der|ihrem|eurem|irgendeinem|den|einen|eine|ihren|euren|die|das]"
_DE_REAL = "[echten|richtigen|echter|echte|echtem|lebenden|realen|menschlichen|wirklichen]"
_DE_PERSON = (
    "(menschen|mensch|person|mitarbeiter|mitarbeiterin|mitarbeitern|mitarbeitenden|support mitarbeiter|support"
    "|supportteam"
    "|support team|kundendienst|kundenservice|kundensupport|kundenbetreuer|berater|beraterin|ansprechpartner"
    "|ansprechpartnerin|agenten|sachbearbeiter|techniker|leuten|team|jemandem|jemand|jemanden)"
)

PHRASES: Mapping[str, tuple[str, ...]] = {
    "en": (
        f"{_EN_WISH}(talk|speak|chat|be connected|be transferred|be put through|get through|write|connect)(to|with)"
        f"{_EN_ONE}{_EN_PERSON}{_EN_END}",
        f"{_EN_WISH}(contact|reach|call|phone|email|reach out to|get in touch with|get hold of|get a hold of)"
        f"{_EN_ONE}{_EN_HELP}{_EN_END}",
        ".[but|and|so](who|whom) can i (talk|speak|write|turn) to.",
        "i (want|need|d like|would like) human (help|support|assistance)",
        "(i (want|need|d like|would like|prefer)|get me|give me|can i (get|have)|.)(a|an)"
        f"(human|human being|human agent|real|live|actual)[person|human|agent|being]{_EN_END}",
        "(connect|transfer|put|hand|pass|forward|escalate|redirect)(me|this|us)[over|on|through|up](to|with)"
        f"{_EN_ONE}{_EN_PERSON}{_EN_END}",
        "(someone|somebody|anyone|anybody|a human|a person|an agent|a real person)[else|real|there|here]"
        "(i can|i could|that i can|to)(talk|speak|chat|write)(to|with)",
        "(is|are) there (a|any) (human|real|live) [person|agent|human|people|agents] (.|here|there|available|i can)",
        "(can|could|would|will|please have|have)(someone|somebody|a human|a person|an agent|anyone)[from|at]"
        "[support|your team|the team][please](call|phone|contact|email|ring|write to|get back to) me",
        "(i don t|i do not|don t|do not) (want|wish|like) [to](talk|speak|chat|talking)[to|with](a|an|the|this)"
        "[stupid|dumb|damn](bot|robot|machine|chatbot|computer|ai)",
        ".[no|ok|please|hi|hello](human|humans|real|live|agent|representative|operator|customer service"
        "|human support)"
        "[person|human|agent|support|help][please|now].",
        "(human|real person|live agent|human agent|real human) please",
        "(i (want|need)|i d like|i would like|can i|how (do|can) i)[to](open|create|submit|raise|file) (a"
        "|an) support"
        f" (ticket|request|case){_EN_END}",
    ),
    "de": (
        f"{_DE_WISH}mit {_DE_ONE}{_DE_REAL}{_DE_PERSON}[aus fleisch und blut|vom support|aus dem team]"
        "[am telefon|persönlich|direkt](sprechen|reden|chatten|telefonieren|schreiben|verbunden werden|kommunizieren"
        "|unterhalten|in kontakt treten)",
        f"{_DE_WISH}{_DE_ONE}{_DE_REAL}{_DE_PERSON}(kontaktieren|erreichen|anrufen|sprechen|anschreiben)",
        f"wie (erreiche|kontaktiere|bekomme) ich [hier|denn|bitte]{_DE_ONE}{_DE_REAL}{_DE_PERSON}.",
        "(verbinde|verbinden sie|verbindet|leite|leiten sie) mich [bitte|jetzt](mit|an"
        f"|zu) {_DE_ONE}{_DE_REAL}{_DE_PERSON}",
        "(ich (brauche|will|mochte|moechte|benotige|hatte gern|verlange)|gib mir|geben sie mir)[bitte|jetzt|endlich]"
        "(einen|eine|nen)[echten|echte|richtigen|richtige|menschlichen|menschliche](menschen|person|mitarbeiter"
        "|mitarbeiterin|ansprechpartner|berater|kundenberater)[bitte|am telefon|vom support](.|der|die|und|statt"
        "|haben|sprechen)",
        "ich (brauche|will|mochte|moechte) [bitte]menschliche (hilfe|unterstutzung)",
        ".[bitte|nein|hallo](mensch|menschen|echter mensch|echte person|mitarbeiter|kundendienst|kundenservice"
        "|berater"
        "|ansprechpartner|echten menschen)[bitte|jetzt|sprechen].",
        "(jemand|jemanden|einen menschen|eine person|einen mitarbeiter|einen ansprechpartner)[hier|bei euch"
        "|bei ihnen]"
        "(mit dem|mit der|den|die) ich (sprechen|reden|chatten|anrufen|kontaktieren|schreiben) (kann|konnte)",
        "(kann|konnte|wurde|kann mich) (mich [bitte]|)(jemand|ein mensch|ein mitarbeiter|ein echter mensch)[bitte]"
        "[mich](anrufen|zuruckrufen|kontaktieren)",
        "(ich (will|mochte|moechte)|will)(nicht mit|keinen|mit keinem|nicht mehr mit)[einem|einer|dem|der]"
        "(bot|roboter|chatbot|maschine|ki|computer)[mehr](.|sprechen|reden|chatten|schreiben)",
    ),
    "fr": (
        "(je (veux|voudrais|souhaite|souhaiterais|dois)|j aimerais|je peux|puis je|(comment|ou)(puis je|je peux"
        "|peut on)"
        "|est ce que je peux|est il possible de|laissez moi|.)[bien|pouvoir|vraiment]"
        "(parler|discuter|echanger|etre mis en relation|entrer en contact|communiquer)(a|avec)"
        "(un|une|quelqu|des|votre|le|l|un vrai|une vraie)[vrai|vraie]"
        "(humain|un|personne|etre humain|agent|conseiller|conseillere|operateur|support|equipe|service client"
        "|interlocuteur|technicien|vrai humain|personne reelle|humain reel|humains|support technique)",
        "(je (veux|voudrais|souhaite)|j aimerais|puis je|comment (puis je|je peux)|comment)"
        "(contacter|joindre|appeler)(un|une|le|votre|l|quelqu)[vrai]"
        "(humain|conseiller|conseillere|agent|support|service client|assistance|un|equipe)",
        "(je (veux|voudrais)|j ai besoin d|donnez moi|passez moi|il me faut)(un|une)[vrai|vraie]"
        "(humain|etre humain|conseiller|conseillere|vraie personne|vrai humain|personne reelle)(.|s il|svp|pas"
        "|et|qui|pour)",
        "(mettez|mets) moi en (relation|contact) avec",
        "(transferez|transfere|passez) moi [a|vers][un|une](humain|conseiller|agent|personne)",
        ".[un|une](humain|conseiller|vrai humain|vraie personne|service client|etre humain)[s il vous plait|svp|stp].",
        "(quelqu un|une personne|un humain) (a qui|avec qui) (je peux|je puisse|je pourrais|puis je) parler",
        "je ne veux pas parler (a|avec) (un robot|un bot|une machine|une ia)",
    ),
    "es": (
        "((quiero|quisiera|necesito|me gustaria|deseo|prefiero|puedo|podria|como puedo|donde puedo|es posible|dejame"
        "|dejeme|como hago para)|.)(hablar|chatear|comunicarme|contactar|ponerme en contacto|conversar"
        "|escribir)(con|a)"
        "[un|una|el|la|algun|alguna|su|vuestro|otro](humano|ser humano|persona|persona real|persona de verdad"
        "|humano real"
        "|agente|agente humano|alguien|operador|asesor|representante|soporte|soporte tecnico|servicio al cliente"
        "|atencion al cliente|equipo de soporte|empleado|tecnico)",
        "(quiero|necesito|prefiero|dame|quisiera)[a](un|una)(humano|ser humano|persona real|persona de verdad"
        "|agente humano"
        "|asesor humano|persona humana)",
        "(pasame|paseme|ponme|pongame|transfiereme|transfierame|conectame|conecteme|comunicame|comuniqueme|derivame)"
        "[a|con](un|una|el|alguien)[humano|agente|persona|asesor|operador|soporte]",
        ".(humano|persona real|agente humano|agente|operador|asesor|atencion al cliente)[por favor|ya].",
        "hay (alguien|alguna persona|un humano|una persona)[real|humana|con vida](con quien|con la que"
        "|con el que) (pueda|puedo) hablar",
        "no quiero hablar con (un|una) (robot|bot|maquina|ia)",
    ),
    "pt": (
        "((quero|queria|gostaria de|preciso|preciso de|posso|poderia|como posso|como faco para|e possivel|desejo"
        "|prefiro"
        "|onde posso|deixe me|me deixe)|.)(falar|conversar|contactar|contatar|entrar em contato"
        "|entrar em contacto|comunicar)"
        "[com](um|uma|o|a|algum|alguma|alguem|vosso|seu)[humano|ser humano|pessoa|pessoa real|pessoa de verdade"
        "|atendente"
        "|atendente humano|agente|operador|suporte|assistente humano|tecnico|representante|funcionario"
        "|equipa de apoio"
        "|equipe de suporte|apoio ao cliente|atendimento](.|humano|real|por|agora|sobre|de verdade|do suporte"
        "|da equipe|aqui|e|que|em vez)",
        "((quero|preciso|gostaria de|posso|como posso) (falar|conversar)) com (suporte|atendente|humano|humanos"
        "|pessoas)",
        "(quero|preciso de|prefiro)(um|uma)(humano|ser humano|atendente|atendente humano|pessoa real"
        "|pessoa de verdade)",
        "(me transfira|transfira me|transfere me|me passe|passe me|me conecte|ligue me)(para|a|com)(um|uma|o|a)",
        ".(humano|atendente|atendente humano|pessoa real|falar com atendente|suporte humano)[por favor|agora].",
        "nao quero falar com (um|uma) (robo|bot|maquina|ia|robot)",
    ),
    "it": (
        "((voglio|vorrei|posso|potrei|devo|ho bisogno di|come posso|come faccio a|dove posso|mi piacerebbe"
        "|preferisco|e possibile"
        "|fammi|mi faccia)|.)(parlare|chattare|comunicare|entrare in contatto|essere messo in contatto)(con|a)"
        "(un|una|il|l|qualcuno|il vostro|lo|un vero|una vera|degli|delle)[vero|vera]"
        "(umano|essere umano|persona|persona reale|persona vera|operatore|operatrice|operatore umano|assistenza"
        "|supporto"
        "|servizio clienti|agente|consulente|tecnico|addetto|.|in carne|del supporto|dell assistenza|al telefono)",
        "(voglio|vorrei|posso|come posso|come faccio a)(contattare|chiamare)(un|una|il|l|qualcuno|il vostro"
        "|la vostra)"
        "(umano|operatore|persona|assistenza|supporto|servizio clienti|.)",
        "(voglio|vorrei|mi serve|ho bisogno di|preferisco)(un|una)(umano|essere umano|operatore|operatore umano"
        "|persona reale|persona vera)",
        "(mi passi|passami|mi metta in contatto|mettimi in contatto|mi trasferisca|trasferiscimi)(a|con|un|una|ad un)",
        ".(umano|operatore|operatore umano|persona reale|persona vera|essere umano)[per favore|per piacere|grazie].",
        "non voglio parlare con (un|una|il) (bot|robot|macchina|ia|chatbot)",
    ),
    "nl": (
        "(ik (wil|wou|zou|moet|wens|wil graag|zou graag)|(kan|mag|kunnen) (ik|we)|(hoe|waar) kan ik|laat me|.)"
        "[graag|liever|nu|alstublieft|even|direct|eindelijk|hier]met (een|de|jullie|uw|iemand|n)[echt|echte"
        "|levend|menselijke|andere]"
        "[mens|persoon|medewerker|agent|klantenservice|support|helpdesk|collega|van support"
        "|van de klantenservice|van jullie]"
        "[willen|kunnen](spreken|praten|chatten|bellen|in contact komen|contact opnemen)",
        "(ik wil|ik wil graag|(hoe|waar) kan ik|kan ik)[met|contact opnemen met]([de|jullie]|)(klantenservice"
        "|helpdesk|support|een medewerker|een mens)"
        "(bereiken|bellen|contacteren|spreken|.)",
        "(verbind|verbindt u|schakel) me [door|alstublieft|a u b][met|naar](een|de|iemand)",
        "(ik wil|ik heb|ik zoek|geef me)[graag](een)(echt|echte|levend|)(mens|persoon|medewerker)(.|nodig"
        "|spreken|alstublieft|en|die)",
        ".[een](mens|echt mens|echte persoon|medewerker|klantenservice|echt persoon)[graag|alstublieft|aub"
        "|alsjeblieft].",
        "is er iemand (met wie ik|waarmee ik|die ik) (kan|zou kunnen) (praten|spreken|bellen|chatten)",
        "ik wil (niet|geen) met (een|de) (bot|robot|computer|machine|ai|chatbot) (praten|spreken|chatten)",
    ),
    "cs": (
        "(chci|chtel bych|chtela bych|rad bych|rada bych|potrebuji|potrebuju|muzu|mohu|mohl bych|mohla bych"
        "|jak (mohu|muzu)|kde (mohu|muzu)"
        "|da se|.)[prosim|si|radeji]"
        "(mluvit|promluvit|promluvit si|hovorit|komunikovat|psat si|chatovat|spojit se|pobavit se|kontaktovat)(s"
        "|se|)"
        "[nejakym|skutecnym|zivym|opravdovym|realnym|vasi|vasim|lidskym|zivou|skutecnou|jinym]"
        "(clovekem|nekym|osobou|operatorem|pracovnikem|zamestnancem|podporou|zakaznickou podporou|agentem"
        "|technikem|podporu|cloveka|operatora"
        "|zakaznickou podporu|zakaznickym servisem|lidmi)",
        "(chci|potrebuji|potrebuju|dejte mi|prosim)[prosim](ziveho|skutecneho|opravdoveho|realneho|lidskeho"
        "|)(cloveka|operatora)(.|prosim|ne|a|ktery)",
        "(spojte|prepojte|prepoj|spoj) me [prosim](s|se|na)",
        ".(clovek|zivy clovek|cloveka|operator|operatora|zivou osobu|lidska podpora)[prosim].",
        "je (tu|tam|zde) nekdo s kym (bych mohl|bych mohla|muzu|mohu) (mluvit|promluvit|si promluvit)",
        "nechci (mluvit|komunikovat|si psat)(s|se)(robotem|botem|strojem|umelou inteligenci|chatbotem|pocitacem)",
    ),
    "pl": (
        "(chce|chcialbym|chcialabym|wolalbym|potrzebuje|musze|moge|czy moge|jak (moge|mozna)|gdzie moge|prosze"
        "|prosze o|.)[prosze|juz|raczej]"
        "(porozmawiac|rozmawiac|pogadac|mowic|skontaktowac sie|polaczyc sie|kontakt|rozmowe|polaczenie|rozmowa"
        "|czatowac|popisac)(z|ze)"
        "[prawdziwym|zywym|jakims|waszym|realnym|innym|prawdziwa|zywa|jakas|ludzkim]"
        "(czlowiekiem|kims|osoba|konsultantem|konsultantka|pracownikiem|doradca|agentem|supportem|wsparciem"
        "|pomoca techniczna|obsluga klienta"
        "|biurem obslugi klienta|ludzmi|wsparciem technicznym|operatorem)",
        "(chce|potrzebuje|dajcie mi|poprosze)[prosze](prawdziwego|zywego|)(czlowieka|konsultanta|doradce)(."
        "|prosze|nie|a|ktory)",
        "(polacz|polaczcie|przelacz|przelaczcie) mnie [prosze](z|ze|do)",
        "prosze mnie (polaczyc|przelaczyc)(z|ze|do)",
        ".(czlowiek|czlowieka|konsultant|konsultanta|zywy czlowiek|prawdziwy czlowiek|obsluga klienta)[prosze].",
        "czy jest (tu|tam) ktos z kim moge (porozmawiac|pogadac|rozmawiac)",
        "nie chce (rozmawiac|gadac|pisac)(z|ze)(botem|robotem|maszyna|chatbotem|sztuczna inteligencja|komputerem)",
    ),
    "ru": (
        "(хочу|хотел бы|хотела бы|хотелось бы|можно|могу|мне нужно|мне надо|как|дайте|нужно|надо|позвольте|где"
        "|могу я|как я могу|как мне|как можно|.)"
        "[пожалуйста|мне|ли|я|лучше]"
        "(поговорить|говорить|пообщаться|общаться|связаться|побеседовать|переписываться)(с|со)"
        "[живым|реальным|настоящим|вашей|вашим|каким нибудь|другим]"
        "(человеком|кем то|кем нибудь|оператором|сотрудником|специалистом|поддержкой|техподдержкой"
        "|службой поддержки|консультантом|менеджером"
        "|людьми|агентом|представителем|технической поддержкой)",
        "(хочу|нужен|мне нужен|позовите|дайте|позови)[мне|пожалуйста](живого|живой|реальный|реального|настоящий"
        "|настоящего|)"
        "(человек|человека|оператор|оператора|консультант|консультанта)(.|пожалуйста|а|который|не)",
        "(соедините|соедини|переключите|переключи|переведите|переведи)[меня|пожалуйста](с|со|на|)(человека"
        "|человеком|оператора|оператором"
        "|живого|живым|специалиста|специалистом|поддержкой|кем нибудь|кем то|консультанта|консультантом)",
        ".(человек|человека|оператор|оператора|живой человек|живого человека|позовите человека"
        "|консультант)[пожалуйста].",
        "(есть|есть ли)[тут|здесь|там](кто нибудь|кто то|живой человек|человек) с кем (можно|я могу) (поговорить"
        "|пообщаться)",
        "не хочу (говорить|общаться|разговаривать)(с|со)(ботом|роботом|машиной|нейросетью|ии|чат ботом|чатботом)",
    ),
    "ja": (
        "(人間|本物の人|生身の人|担当者|担当の方|オペレーター|オペレータ|サポート担当|係の人|サポートの人"
        "|スタッフ|人|サポート|カスタマーサポート|有人)"
        "(と|に)[直接|電話で](話し|話|はなし|会話し|相談し|やり取りし|連絡し|問い合わせ|お話し|お話|チャットし"
        "|つなが|質問し)(たい|をしたい|がしたい|したい|せますか|せませんか|できますか|させて|りたい)",
        "(人間|担当者|オペレーター|オペレータ|有人|スタッフ|担当の方|人|サポート)(に|と)(代わって|代わり"
        "|かわって|つないで|繋いで|変わって|取り次いで|替わって)",
        "(人間|担当者|オペレーター|有人チャット|スタッフ)[の方](を|に)(お願い|呼んで|出して)",
        "有人(対応|サポート|チャット)(を|に|が)(お願い|して|希望|切り替え|ほしい|欲しい)",
        "(ボット|ロボット|ai|機械|チャットボット)(じゃなく|ではなく)[て](人間|人|担当者|オペレーター)",
        "人間の(サポート|対応|担当者|オペレーター)(が必要|をお願い|を希望|がほしい|が欲しい|に相談)",
        "(担当者|オペレーター|サポート)(に|へ)(連絡|問い合わせ)(たい|したい|を取りたい|をとりたい|する方法を教えて)",
    ),
    "ko": (
        "(상담원|상담사|사람|담당자|직원|실제 사람|진짜 사람|고객센터|고객 센터|고객지원|상담 직원|지원팀)[분]"
        "(이랑|랑|과|와|하고|에게|한테|에|께)[직접|좀|전화로](얘기|이야기|말|대화|통화|상담|연락|채팅|문의"
        "|연결)[를|을]"
        "(하고 싶|할 수 있|하게 해|해 주|해주|하려|할래|하고싶|할수있|되고 싶|시켜|나누고 싶|받고 싶|하길 원)",
        "(상담원|상담사|담당자|직원|사람)(연결|바꿔|불러|으로 연결|로 연결)[해|을|를|좀][주세요|줘|달라|부탁"
        "|주실|원해|원합니다|해주세요|해줘|해 주세요|해주실]",
        "(상담원|상담사|사람 상담원|담당자)(을|를|이|가|과)(바꿔|불러|연결해|필요|원해|원합니다|연결)",
        "(사람|상담원)[이](필요해|필요합니다|를 원해|을 원해|을 원합니다)",
        "(봇|로봇|챗봇|기계|인공지능|ai)(말고|이 아니라|이 아닌|가 아니라|가 아닌)(사람|상담원|실제 사람"
        "|진짜 사람|직원)",
        ".(상담원|상담사|상담원연결|사람 상담원|상담원 연결).",
    ),
    "zh": (
        "(我[想|要|需要|希望|想要]|能不能|可以|能|能否|请|麻烦|怎么|怎样|如何|帮我|给我|想|要|可否)[让我|直接"
        "|给我|帮我|才能|和|跟|我]"
        "(转|转接|接|找|联系|转到|换|叫|呼叫|接通)[一个|个|一下|到|你们的|你们|真正的|真的|真人|人工]"
        "(人工|真人|人工客服|客服|人工服务|客服人员|工作人员|活人|在线客服|真人客服)(.|吗|服务|客服|来|谢谢|吧"
        "|帮|处理|解决|回答)",
        "(和|跟|与|同)[一个|个|你们的|你们|一位]"
        "(真人|人工|真正的人|人工客服|活人|客服|真实的人|客服人员|工作人员|真的人|人类)[客服](说话|交谈|聊|聊聊"
        "|沟通|谈|对话|讲话|通话|联系)",
        "(转人工|转接人工|人工客服在吗|转真人|呼叫人工|接人工|找人工)",
        "(我要|我想要|我需要|想要|需要)[一个|一位](人工客服|人工服务|真人|真人客服|人工)",
        ".[请|要](人工|人工客服|真人|真人客服|人工服务)[谢谢|吧].",
        "(不想|不要|不想要)(和|跟|与|再跟|再和)[一个|这个](机器人|机器|ai|人工智能)(说话|聊|聊天|对话|交谈|沟通)",
        "有(人工|真人)[客服](吗|么|嘛)",
    ),
    "ar": (
        "(أريد|اريد|أرغب في|ارغب في|أود|اود|هل يمكنني|هل استطيع|هل أستطيع|كيف يمكنني|كيف أستطيع|كيف اقدر|هل ممكن"
        "|ممكن|أحتاج إلى|احتاج|بدي|عايز|عاوز"
        "|ابغى|دعني|من فضلك|.)[أن|ان|من فضلك]"
        "(التحدث|أتحدث|اتحدث|التكلم|أتكلم|اتكلم|التواصل|أتواصل|اتواصل|الحديث|الكلام|محادثة|التحدث مباشرة|الاتصال"
        "|أكلم|اكلم|مكالمة)[إلى|الى|مع|ب|مباشرة مع]"
        "[أحد|احد|أي]"
        "(شخص|شخصا|إنسان|انسان|موظف|موظفي|ممثل|وكيل|أحد|بشري|الدعم|الدعم الفني|خدمة العملاء|فريق الدعم|مندوب"
        "|مسؤول|شخص ما|موظف الدعم|بشر|بالدعم|بخدمة العملاء|حد)",
        "(حولني|حوّلني|وصلني|حولوني|صلني|أوصلني)[من فضلك](إلى|الى|ب|مع|على|بموظف|لموظف|بشخص|لخدمة|بخدمة)",
        "(أريد|اريد|أحتاج|احتاج|أحتاج إلى)(شخصا|موظفا|إنسانا|انسانا|شخص|موظف|مساعدة بشرية|دعم بشري"
        "|دعما بشريا)[حقيقيا|حقيقي|بشريا](.|من|ليس|وليس|لا|يساعدني)",
        "هل (يوجد|هناك) (شخص|إنسان|أحد|موظف)[حقيقي|بشري](يمكنني|أستطيع|استطيع)(التحدث|التكلم|أن أتحدث|التواصل)",
        ".(إنسان|موظف|شخص حقيقي|موظف حقيقي|خدمة العملاء|موظف بشري)[من فضلك|لو سمحت].",
        "لا أريد (التحدث|التكلم|الحديث)(مع|إلى)(روبوت|آلة|بوت|الذكاء الاصطناعي|برنامج)",
    ),
}
