"""Which questions ask for a human: twenty of each kind in English and German, six in every other language."""

from __future__ import annotations

import re
import time

import pytest

from flask_kapa_handoff.config import Config
from flask_kapa_handoff.errors import ConfigurationError
from flask_kapa_handoff.human_phrases import PHRASES
from flask_kapa_handoff.human_requests import HumanRequests

ASKING = {
    "en": """
        Can I talk to a human?
        I want to speak to a real person.
        I'd like to talk to someone from your team
        human please
        Talk to a human
        Let me speak with an agent!
        How do I contact support?
        This doesn't help. I need to speak with a live agent about my invoice.
        please connect me to a representative
        Is there a human I can chat with?
        Is there someone I can talk to?
        Could someone call me back?
        I don't want to talk to a bot
        agent
        Real person, please!
        How can I reach customer service by phone?
        Transfer me to a human agent now
        Stop. I just want to talk to an actual human being.
        CAN I SPEAK TO A PERSON???
        ok, get me a real person
    """,
    "de": """
        Kann ich mit einem Menschen sprechen?
        Ich möchte bitte mit einem echten Menschen reden.
        Ich will mit jemandem vom Support sprechen
        Mitarbeiter bitte
        Wie erreiche ich den Kundendienst?
        Verbinden Sie mich bitte mit einem Mitarbeiter.
        Ich brauche einen Ansprechpartner.
        Gibt es jemanden, mit dem ich sprechen kann?
        Kann mich jemand anrufen?
        Ich will nicht mit einem Bot reden!
        Wie kann ich den Support kontaktieren?
        MENSCH!
        Das hilft mir nicht. Ich würde gerne mit einer Person sprechen.
        Kann ich mit einem Support-Mitarbeiter chatten?
        Ich moechte mit einem Berater telefonieren
        Lass mich mit einem Menschen sprechen
        Bitte mit einem Mitarbeiter verbinden – nein: verbinde mich mit einem Menschen
        Ich brauche menschliche Hilfe
        Wo kann ich mit einem echten Mitarbeiter schreiben?
        Könnte ich direkt mit einem Techniker sprechen?
    """,
    "fr": """
        Je voudrais parler à un humain
        Puis-je parler à un conseiller ?
        Comment contacter le service client ?
        J’aimerais discuter avec une vraie personne.
        Un conseiller, s'il vous plaît
        Je ne veux pas parler à un robot !
    """,
    "es": """
        Quiero hablar con una persona
        ¿Puedo hablar con un agente humano?
        Necesito hablar con alguien de soporte
        Pásame con un asesor
        Agente, por favor
        No quiero hablar con un robot
    """,
    "pt": """
        Quero falar com um atendente
        Posso falar com uma pessoa real?
        Gostaria de falar com alguém do suporte
        Atendente humano, por favor
        Não quero falar com um robô
        Como posso falar com um humano?
    """,
    "it": """
        Vorrei parlare con un operatore
        Posso parlare con una persona vera?
        Come posso contattare il servizio clienti?
        Operatore, per favore
        Non voglio parlare con un bot!
        Ho bisogno di parlare con qualcuno del supporto
    """,
    "nl": """
        Ik wil met een mens praten
        Kan ik met een medewerker spreken?
        Hoe kan ik contact opnemen met de klantenservice?
        Medewerker alstublieft
        Is er iemand met wie ik kan praten?
        Ik wil niet met een robot praten
    """,
    "cs": """
        Chci mluvit s člověkem
        Můžu si promluvit s operátorem?
        Jak mohu kontaktovat podporu?
        Přepojte mě na operátora
        Operátora, prosím
        Nechci mluvit s robotem
    """,
    "pl": """
        Chcę porozmawiać z człowiekiem
        Czy mogę rozmawiać z konsultantem?
        Proszę o kontakt z pracownikiem
        Połącz mnie z konsultantem
        Konsultant, proszę
        Nie chcę rozmawiać z botem
    """,
    "ru": """
        Хочу поговорить с человеком
        Можно поговорить с оператором?
        Соедините меня с оператором
        Позовите человека
        Мне нужен живой человек
        Я не хочу общаться с ботом
    """,
    "ja": """
        人間と話したいです
        オペレーターにつないでください
        担当者と直接話せますか？
        有人対応をお願いします
        サポートに連絡したいのですが
        ボットではなく人間とチャットしたい
    """,
    "ko": """
        상담원과 통화하고 싶어요
        사람이랑 얘기하고 싶습니다
        상담원 연결해 주세요
        담당자와 직접 대화할 수 있나요?
        상담원
        챗봇 말고 사람이 필요해요
    """,
    "zh": """
        我想和真人说话
        转人工
        我要人工客服
        能不能帮我转接人工客服？
        请问有人工客服吗
        我不想和机器人聊天
    """,
    "ar": """
        أريد التحدث إلى شخص حقيقي
        هل يمكنني التحدث مع موظف؟
        كيف يمكنني التواصل مع خدمة العملاء؟
        حولني إلى موظف من فضلك
        أُريد أن أتحدث مع إنسان
        لا أريد التحدث مع روبوت
    """,
}

NOT_ASKING = {
    "en": """
        How do human agents work in the API?
        When a customer asks to talk to a human, which event fires?
        How do I get a human-readable date?
        What does the person endpoint return?
        How do I let my users talk to a human?
        Can I talk to the REST API over HTTP/2?
        How do I create an agent?
        Which plan includes support?
        Do you support Python 3.13?
        How do I contact a server that has no DNS name?
        Can I speak to Postgres through a socket?
        What is a support contract?
        I'm not a robot: how do I add the checkbox?
        Does the agent run on Windows?
        How can I call a function of another team's module?
        Is there a person object in the schema?
        Can someone explain how retention works?
        How do I reach the admin page?
        How do I transfer a licence to another person?
        How do I connect an agent to the server, and who is the representative of a cluster?
    """,
    "de": """
        Wie funktionieren menschliche Agenten in der API?
        Welches Ereignis kommt, wenn ein Kunde mit einem Menschen sprechen will?
        Wie lege ich eine Person an?
        Was kostet der Support?
        Unterstützt ihr Python 3.13?
        Wie lösche ich einen Mitarbeiter?
        Kann der Agent mit dem Server sprechen?
        Wie kann ich mit dem Server sprechen?
        Wie bekomme ich ein menschenlesbares Datum?
        Was macht der Kundendienst-Endpunkt?
        Können Mitarbeiter ihre Daten selbst wiederherstellen?
        Wie verbinde ich zwei Tresore?
        Wie viele Personen dürfen eine Lizenz nutzen?
        Gibt es ein Feld für den Ansprechpartner?
        Ich brauche einen Agenten auf jedem Server – wie installiere ich ihn?
        Kann jemand anderes meine Dateien lesen?
        Welche Rechte hat ein Berater?
        Wie übertrage ich eine Lizenz an eine andere Person?
        Wie kontaktiert der Client den Server?
        Wie schreibe ich einen Bot?
    """,
    "fr": """
        Comment fonctionnent les agents humains dans l'API ?
        Comment créer une personne ?
        Quel support est inclus ?
        Comment contacter l'API depuis un script ?
        L'agent parle-t-il à un serveur ?
        Comment écrire un bot ?
    """,
    "es": """
        ¿Cómo funcionan los agentes humanos en la API?
        ¿Cómo creo una persona?
        ¿Qué soporte incluye el plan?
        ¿Cómo instalo el agente?
        ¿Puede el agente hablar con el servidor?
        ¿Cómo escribo un bot?
    """,
    "pt": """
        Como funcionam os agentes humanos na API?
        Como crio uma pessoa?
        Que suporte inclui o plano?
        Como instalo o agente?
        Como posso falar com o servidor pela API?
        Quantas pessoas podem usar a licença?
    """,
    "it": """
        Come funzionano gli agenti umani nell'API?
        Come creo una persona?
        Quale supporto include il piano?
        Come installo l'agente?
        Come posso parlare con il server?
        L'operatore AND ha la precedenza?
    """,
    "nl": """
        Hoe werken menselijke agents in de API?
        Hoe maak ik een persoon aan?
        Welke support is inbegrepen?
        Kan een medewerker zijn bestanden terugzetten?
        Hoe kan ik met de server praten?
        Hoe schrijf ik een bot?
    """,
    "cs": """
        Jak fungují lidští agenti v API?
        Jak vytvořím osobu?
        Jakou podporu obsahuje tarif?
        Jak nainstaluji agenta?
        Může agent mluvit se serverem?
        Má operátor AND přednost?
    """,
    "pl": """
        Jak działają agenci w API?
        Jak utworzyć osobę?
        Jakie wsparcie obejmuje plan?
        Jak zainstalować agenta?
        Jak mogę rozmawiać z serwerem?
        Ile osób może używać licencji?
    """,
    "ru": """
        Как работают агенты в API?
        Как создать человека в базе?
        Какая поддержка входит в тариф?
        Как установить агента?
        Может ли агент общаться с сервером?
        Как написать бота?
    """,
    "ja": """
        APIの人間エージェントはどう動きますか？
        担当者フィールドを追加するには？
        サポートはプランに含まれますか？
        エージェントをインストールする方法は？
        サーバーと通信できますか？
        人物オブジェクトはありますか？
    """,
    "ko": """
        API에서 상담원 객체는 어떻게 동작하나요?
        사람 객체를 만들려면 어떻게 하나요?
        요금제에 지원이 포함되나요?
        에이전트를 설치하려면?
        서버와 통신할 수 있나요?
        직원 목록을 내보내는 방법은?
    """,
    "zh": """
        API 里的人工代理是怎么工作的？
        如何创建一个人员对象？
        套餐包含哪些支持？
        怎么安装代理？
        人工智能模型怎么配置？
        可以和服务器通信吗？
    """,
    "ar": """
        كيف تعمل الوكلاء البشرية في واجهة البرمجة؟
        كيف أنشئ شخصا في قاعدة البيانات؟
        ما الدعم الذي تشمله الخطة؟
        كيف أثبت الوكيل؟
        هل يمكنني الاتصال بالخادم؟
        كم شخصا يمكنه استخدام الرخصة؟
    """,
}


def lines(of: dict[str, str]) -> list[tuple[str, str]]:
    return [(language, line.strip()) for language, text in of.items() for line in text.splitlines() if line.strip()]


PACKAGE = HumanRequests()


@pytest.mark.parametrize(("language", "question"), lines(ASKING))
def test_these_ask_for_a_human(language: str, question: str) -> None:
    """In the visitor's words, with or without accents, in any case, with a greeting or a complaint around them."""
    assert PACKAGE.found_in(question)
    assert PACKAGE.found_in(f"Hmm. {question.upper()}")
    assert PACKAGE.found_in(question.replace(" ", "\u00a0"))


@pytest.mark.parametrize(("language", "question"), lines(NOT_ASKING))
def test_these_are_about_something_else(language: str, question: str) -> None:
    """Humans, agents, support and bots are also what a product is about."""
    assert not PACKAGE.found_in(question)


def test_every_language_has_its_examples() -> None:
    """Twenty in English and German, six in the others, of both kinds."""
    assert list(PHRASES) == list(ASKING) == list(NOT_ASKING)
    for examples in (ASKING, NOT_ASKING):
        counts = {language: len(text.split("\n")) - 2 for language, text in examples.items()}
        assert counts == {language: 20 if language in ("en", "de") else 6 for language in PHRASES}


def test_a_site_adds_phrases() -> None:
    """A list is added to the package's; a phrase is compared as a whole, without case, accents and punctuation."""
    found = Config.from_mapping({"KAPA_HANDOFF_HUMAN_PHRASES": ["page (Ada|the wizard) [now]", "přímá linka"]})
    requests = found.human_phrases
    for question in ("Page Ada!", "please page the wizard now", "Kde je PRIMA LINKA?", "Can I talk to a human?"):
        assert requests.found_in(question)
    for question in ("homepage Ada", "page Adam", "page the other wizard"):
        assert not requests.found_in(question)
    from_environment = Config.from_mapping({"KAPA_HANDOFF_HUMAN_PHRASES": "call the owl, page Ada"}).human_phrases
    assert from_environment.found_in("Call the owl.")
    assert from_environment.found_in("page ada")


def test_a_site_replaces_a_languages_phrases() -> None:
    """A dict replaces the package's phrases of the languages that it names, and adds languages."""
    requests = Config.from_mapping(
        {"KAPA_HANDOFF_HUMAN_PHRASES": {"en": [], "fi": ["puhua ihmisen kanssa"]}}
    ).human_phrases
    assert not requests.found_in("Can I talk to a human?")
    assert requests.found_in("Haluan puhua ihmisen kanssa")
    assert requests.found_in("Kann ich mit einem Menschen sprechen?")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, "use a list of phrases"),
        (["talk to (a|an human"], "a bracket is not closed"),
        ([""], "a phrase is text of 1 to 300 characters"),
        (["[please]"], "has no word that must be there"),
        (["."], "has no word that must be there"),
        (["x" * 301], "a phrase is text of 1 to 300 characters"),
        (["[a] [b] [c] [d] [e] [f] [g] h"], "more than 6 parts that may be missing"),
        ([f"word {number}" for number in range(501)], "at most 500 phrases"),
        ({"en": "talk to a human"}, "use a list of phrases"),
        ({1: ["talk"]}, "use a list of phrases"),
    ],
)
def test_a_phrase_that_is_none_stops_the_app_at_start(value: object, told: str) -> None:
    """The message names the key and what is allowed."""
    with pytest.raises(ConfigurationError, match=rf"KAPA_HANDOFF_HUMAN_PHRASES: .*{re.escape(told)}"):
        Config.from_mapping({"KAPA_HANDOFF_HUMAN_PHRASES": value})


@pytest.mark.parametrize(
    "text",
    [
        "i want to " * 100_000,
        "talk to a real " * 70_000,
        "." * 1_000_000,
        "a\u0301\u0316" * 300_000,
        "我想和" * 300_000,
    ],
)
def test_no_question_takes_long(text: str) -> None:
    """Only its first thousand characters are looked at: a wish for a human is a short one."""
    PACKAGE.found_in("x")  # compiles the phrases
    began = time.process_time()
    PACKAGE.found_in(text)
    assert time.process_time() - began < 0.25
