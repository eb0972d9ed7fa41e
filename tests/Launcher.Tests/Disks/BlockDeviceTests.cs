using System.Diagnostics;
using Troupe.Launcher.Disks;
using Xunit;

namespace Troupe.Launcher.Tests.Disks;

public sealed class BlockDeviceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("troupe-block-").FullName;

    [Fact]
    public void A_block_device_is_told_from_a_file_and_from_another_device_also_through_a_link()
    {
        var (device, file, link) = (Path.Combine(_folder, "device"), Path.Combine(_folder, "file"), Path.Combine(_folder, "link"));
        // Major 7, a loop device; it need not be there.
        using (var mknod = Process.Start("mknod", [device, "b", "7", "200"]))
            mknod.WaitForExit();
        File.WriteAllText(file, "data");
        File.CreateSymbolicLink(link, device);
        Assert.True(DiskImage.IsBlockDevice(device));
        Assert.True(DiskImage.IsBlockDevice(link));
        Assert.False(DiskImage.IsBlockDevice(file));
        Assert.False(DiskImage.IsBlockDevice("/dev/null"));
        Assert.False(DiskImage.IsBlockDevice(Path.Combine(_folder, "absent")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
