using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

public sealed class EmulatorProbesTests
{
    [Fact]
    public async Task A_launcher_that_is_told_what_another_found_out_about_QEMU_does_not_look_again()
    {
        IReadOnlyList<EmulatorProbe>? found;
        await using (var first = await RunningGuest.BootAsync(RunningGuest.Manifest()))
            found = first.NewProbes;
        Assert.NotEmpty(found!);

        await using var second = await RunningGuest.BootAsync(RunningGuest.Manifest(), probes: found);
        Assert.Null(second.NewProbes);
    }

    [Fact]
    public async Task What_does_not_fit_is_found_out_again()
    {
        var name = new string('a', 64) + ".xml";
        await using var guest = await RunningGuest.BootAsync(RunningGuest.Manifest(), probes: [new EmulatorProbe(name, new byte[] { 1, 2, 3 })]);
        Assert.DoesNotContain(guest.NewProbes!, p => p.File == name);
        Assert.NotEmpty(guest.NewProbes!);
    }
}
