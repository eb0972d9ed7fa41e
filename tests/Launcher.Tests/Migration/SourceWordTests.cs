using Troupe.Launcher.Migration;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Migration;
using Troupe.NodeActors.Launchers;
using Xunit;

namespace Troupe.Launcher.Tests.Migration;

public sealed class SourceWordTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("troupe-word-").FullName;
    private readonly LauncherConnector _agent;
    private readonly SourceWord _word;

    public SourceWordTests()
    {
        var pods = new PodFolders(_root);
        Directory.CreateDirectory(pods.Sockets("pod"));
        _agent = new LauncherConnector(pods);
        _word = new SourceWord(Path.Combine(pods.Sockets("pod"), LauncherPaths.LastWordName));
    }

    public void Dispose()
    {
        _word.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void The_agent_hears_it_when_its_launcher_is_gone_and_not_before()
    {
        var word = new LastWord("vmi", "m", 7);
        _word.Give(word);
        Assert.Null(_agent.LastWord("pod"));
        _word.Dispose();
        Assert.Equal(word, _agent.LastWord("pod"));
    }

    [Fact]
    public void What_was_taken_back_is_not_heard_and_the_next_attempt_has_a_word_of_its_own()
    {
        _word.Give(new LastWord("vmi", "a longer name than the next", 7));
        _word.TakeBack();
        var word = new LastWord("vmi", "m", 8);
        _word.Give(word);
        _word.Dispose();
        Assert.Equal(word, _agent.LastWord("pod"));
    }

    [Fact]
    public void A_launcher_that_took_it_back_leaves_none()
    {
        _word.Give(new LastWord("vmi", "m", 7));
        _word.TakeBack();
        _word.Dispose();
        Assert.Null(_agent.LastWord("pod"));
        Assert.Null(_agent.LastWord("another"));
    }
}
