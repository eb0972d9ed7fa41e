using System.Buffers.Binary;
using Troupe.Launcher.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Migration;

/// <summary>libvirt's words on their way to the target, as its protocol has them.</summary>
public sealed class FinishGateTests
{
    private const uint Remote = 0x20008086, KeepAlive = 0x6b656570;
    private const uint Perform3Params = 305, Finish3Params = 306, Finish3 = 217;
    private const uint Live = 1, PostCopy = 1 << 15, Paused = 1 << 5;
    private static readonly CancellationToken Soon = TestContext.Current.CancellationToken;
    private int _asked;

    [Fact]
    public async Task What_is_no_last_step_passes_as_it_is()
    {
        byte[][] messages = [Message(Remote, Perform3Params, Live | PostCopy), Message(KeepAlive, Finish3Params, 0), Message(Remote, Finish3Params, Live, type: 1), Header(Remote, 1)];
        Assert.Equal(messages.SelectMany(m => m), await PassAsync(FinishVerdict.Paused, messages));
        Assert.Equal(0, _asked);
    }

    [Theory]
    [InlineData(Finish3Params)]
    [InlineData(Finish3)]
    public async Task The_last_step_of_a_copy_that_is_whole_leaves_the_target_paused(uint procedure)
    {
        byte[][] messages = [Message(Remote, Perform3Params, Live), Message(Remote, procedure, Live | PostCopy)];
        byte[][] expected = [messages[0], Message(Remote, procedure, Live | PostCopy | Paused)];
        Assert.Equal(expected.SelectMany(m => m), await PassAsync(FinishVerdict.Paused, messages));
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task The_last_step_after_a_switch_runs_the_guest_when_it_is_let_pass()
    {
        byte[][] messages = [Message(Remote, Finish3Params, Live | PostCopy), Message(Remote, 1, 0)];
        Assert.Equal(messages.SelectMany(m => m), await PassAsync(FinishVerdict.Running, messages));
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task A_last_step_that_is_held_does_not_get_to_the_target_nor_does_anything_after_it()
    {
        byte[][] messages = [Message(Remote, 1, 0), Message(Remote, Finish3Params, Live | PostCopy), Message(Remote, 1, 0)];
        Assert.Equal(messages[0], await PassAsync(FinishVerdict.Held, messages));
    }

    [Fact]
    public async Task The_last_step_of_a_migration_that_failed_passes_without_a_question()
    {
        byte[][] messages = [Message(Remote, Finish3Params, Live | PostCopy, cancelled: 1)];
        Assert.Equal(messages[0], await PassAsync(FinishVerdict.Held, messages));
        Assert.Equal(0, _asked);
    }

    [Fact]
    public async Task What_is_not_libvirts_protocol_does_not_pass()
    {
        var garbage = new byte[64];
        await Assert.ThrowsAsync<InvalidDataException>(() => PassAsync(FinishVerdict.Running, [garbage]));
    }

    private async Task<byte[]> PassAsync(FinishVerdict verdict, params byte[][] messages)
    {
        using var from = new MemoryStream([.. messages.SelectMany(m => m)]);
        using var to = new MemoryStream();
        Assert.True(await FinishGate.CopyAsync(from, to, () =>
        {
            _asked++;
            return Task.FromResult(verdict);
        }, Soon));
        return to.ToArray();
    }

    private static byte[] Header(uint program, uint procedure, uint type = 0, int arguments = 0)
    {
        var message = new byte[28 + arguments];
        uint[] words = [(uint)message.Length, program, 1, procedure, type, 7, 0];
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(i * 4), words[i]);
        return message;
    }

    /// <summary>With parameters and a cookie of some kind, then flags and whether the migration was cancelled.</summary>
    private static byte[] Message(uint program, uint procedure, uint flags, uint cancelled = 0, uint type = 0)
    {
        const int Before = 300_000;
        var message = Header(program, procedure, type, Before + 8);
        message.AsSpan(28, Before).Fill(0xab);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(28 + Before), flags);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(28 + Before + 4), cancelled);
        return message;
    }
}
