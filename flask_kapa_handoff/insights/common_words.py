"""Words that say nothing about what is asked: question words, pronouns, auxiliaries, in the languages of the catalogs.

Chinese, Japanese and Korean are not among them: their texts are compared by pairs of letters.
"""

from __future__ import annotations

_BY_LANGUAGE = {
    "ar": """
        في من على إلى عن مع هل ما ماذا كيف لماذا متى أين أنا نحن هو هي هذا هذه ذلك التي الذي أن إن لا لم لن كان يمكن
        يمكنني و أو ثم لي
    """,
    "cs": """
        a aby ale by být co do i ja jak jako je jsem jsou k kde kdy který lze mi mohu můj můžu na nebo není o od po
        pro proč při s se si ta tak to u v ve z za že
    """,
    "de": """
        aber als am an auch auf aus bei bin bitte da damit dann das dass dem den der des die dies diese dieser
        dieses doch du durch ein eine einem einen einer eines er es für gibt habe haben hat ich ihr im in ist kann
        kein keine können man mein meine mich mir mit muss nach nicht noch nur oder ob sein sich sie sind so soll um
        und uns unter vom von vor wann war warum was welche wenn wer werden wie wieso wir wird wo zu zum zur über
    """,
    "en": """
        a about after all am an and any are as at be been but by can can't cannot could did do does doesn't doing
        don't for from get got had has have he help here how i i'd i'm if in into is isn't it it's its just like me
        my need no not of on one or our please she should so some such than that the their them then there these
        they this those to too up us use using want was we were what what's when where which while who why will with
        won't would you your
    """,
    "es": """
        a al algo como con cual cuando cuándo cómo cuál de del desde donde dónde el ella en entre es esta este esto
        está estoy fue ha hace hacer hay he la las lo los me mi mis muy más necesito no nos o para pero por porque
        puede puedo que qué quiero se sea ser si sin sobre son su sus también te tengo tiene un una uno y ya yo
    """,
    "fr": """
        a afin ai au aux avec c'est ce ces cette comment dans de depuis des dois dont du elle en est est-ce et être
        faire faut il ils j'ai je l la le les leur lors ma mais me mes mon ne nos notre nous on ont ou où par pas
        peut peux plus pour pourquoi qu quand que quel quelle qui sa sans se ses si son sont sur une un vos votre
        vous y à ça
    """,
    "it": """
        a ad al alla anche che chi ci come con così cosa cui da dal dalla de degli dei del della delle di dove e ed
        fare gli ha ho i il in io la le lo ma mi mia mio nel nella no non o per perché perciò più posso può qual
        quale quando quello questa questo se senza si sono su sul tra un una uno è
    """,
    "nl": """
        aan als bij dan dat de deze die dit doe doen door een en er geen gebruik heb hebben heeft het hoe ik in is
        je kan krijg kunnen maar me mee met mij mijn moet na naar niet nog nu of om onder ons ook op over te tot u
        uit van voor waar waarom wanneer wat welke werkt wie wil worden wordt ze zijn zo zonder
    """,
    "pl": """
        a aby ale być co czy dla do dlaczego gdy gdzie go i ich ja jak jako jest jestem jeśli już kiedy która które
        który lub ma mam mi mnie mogę może mój można na nad nie o od oraz po pod przez przy się są ta tak te tego to
        tu tym w we z za ze że
    """,
    "pt": """
        a ao aos as até com como da das de do dos e ela ele em entre era essa esse esta este está estou eu faço
        fazer foi há isso isto já mas me meu minha muito na nas no nos não o onde os ou para pela pelo por porque
        posso pode preciso quais qual quando que quem quero se sem ser seu sua são também tem tenho um uma você é
    """,
    "ru": """
        а без бы быть в вам вас во вот все вы где да для до его ее если есть еще же за и из или их к как какая какие
        какой когда кто ли меня мне можно мой моя мы на надо нам нас не нет но ну о об он она они от по под почему
        при с со так там то только у уже что чтобы это этот я
    """,
}

COMMON_WORDS = frozenset(word for words in _BY_LANGUAGE.values() for word in words.split())
