using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Metrics;
using Xunit;

namespace Troupe.Launcher.Tests.Metrics;

public sealed class DownwardMetricsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("troupe-metrics-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_guest_is_told_what_it_and_its_host_have_and_use()
    {
        Put("proc/stat", "cpu  1000 200 3000 90000 10 0 5 0 0 0\ncpu0 1 2 3 4\n");
        Put("proc/meminfo", "MemTotal: 8000 kB\nMemFree: 1000 kB\nBuffers: 200 kB\nCached: 300 kB\nSwapCached: 5 kB\nSwapTotal: 400 kB\nSwapFree: 100 kB\nHugePages_Total: 0\n");
        Put("proc/vmstat", "nr_free_pages 1\npswpin 3\npswpout 7\n");
        foreach (var (cpu, package) in new[] { (0, 0), (1, 0), (2, 1) })
            Put($"cpu/cpu{cpu}/topology/physical_package_id", $"{package}\n");
        var host = new HostMetrics(Path.Combine(_folder, "proc"), Path.Combine(_folder, "cpu")).Read(DateTimeOffset.FromUnixTimeSeconds(1764000000));
        Assert.Equal(
            """
            <metrics>
              <metric type="string" context="host">
                <name>HostName</name>
                <value>node-1</value>
              </metric>
              <metric type="string" context="host">
                <name>HostSystemInfo</name>
                <value>linux</value>
              </metric>
              <metric type="string" context="host">
                <name>VirtualizationVendor</name>
                <value>kubevirt.io</value>
              </metric>
              <metric type="string" context="host">
                <name>VirtProductInfo</name>
                <value>qemu-7.2.0</value>
              </metric>
              <metric type="real64" context="vm" unit="s">
                <name>TotalCPUTime</name>
                <value>12.500000</value>
              </metric>
              <metric type="int64" context="vm">
                <name>ResourceProcessorLimit</name>
                <value>2</value>
              </metric>
              <metric type="uint64" context="vm" unit="KiB">
                <name>PhysicalMemoryAllocatedToVirtualSystem</name>
                <value>131072</value>
              </metric>
              <metric type="uint64" context="vm" unit="KiB">
                <name>ResourceMemoryLimit</name>
                <value>131072</value>
              </metric>
              <metric type="int64" context="host">
                <name>NumberOfPhysicalCPUs</name>
                <value>2</value>
              </metric>
              <metric type="real64" context="host" unit="s">
                <name>TotalCPUTime</name>
                <value>42.000000</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>FreePhysicalMemory</name>
                <value>1000</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>FreeVirtualMemory</name>
                <value>1100</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>MemoryAllocatedToVirtualServers</name>
                <value>6500</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>UsedVirtualMemory</name>
                <value>6895</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>PagedInMemory</name>
                <value>12</value>
              </metric>
              <metric type="uint64" context="host" unit="KiB">
                <name>PagedOutMemory</name>
                <value>28</value>
              </metric>
              <metric type="int64" context="host" unit="s">
                <name>Time</name>
                <value>1764000000</value>
              </metric>
            </metrics>
            """,
            Encoding.UTF8.GetString(Metric.Document(GuestMetrics.All("node-1", "7.2.0", new DomainUsage(12.5e9, 2, 131072), host))));
    }

    [Fact]
    public void This_machine_s_own_figures_can_be_read() => Assert.Equal(9, new HostMetrics().Read(DateTimeOffset.UtcNow).Count());

    [Fact]
    public void The_disk_says_how_long_its_document_is_and_what_its_bytes_add_up_to()
    {
        var disk = Path.Combine(_folder, "metrics/vhostmd0");
        VhostmdDisk.Create(disk);
        VhostmdDisk.Write(disk, "<metrics>a</metrics>"u8);
        VhostmdDisk.Write(disk, "<a/>"u8);
        var bytes = File.ReadAllBytes(disk);
        Assert.Equal(256 << 10, bytes.Length);
        Assert.Equal("mvbd", Encoding.ASCII.GetString(bytes, 0, 4));
        Assert.Equal((0, "<a/>\n".Sum(c => c), 5), (Int(4), Int(8), Int(12)));
        Assert.Equal("<a/>\n", Encoding.ASCII.GetString(bytes, 16, 5));
        Assert.Throws<InvalidDataException>(() => VhostmdDisk.Write(disk, new byte[256 << 10]));

        int Int(int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
    }

    [Theory]
    [InlineData("GET /metrics/XML\n\n", "<m/>\n\n")]
    [InlineData("GET /metrics/XML\r\n\r\n", "<m/>\n\n")]
    [InlineData("GET /metrics/JSON\n\n", "INVALID REQUEST\n\n")]
    [InlineData("PUT /metrics/XML\n\n", "INVALID REQUEST\n\n")]
    [InlineData("GET /metrics/XML\nmore\n", "INVALID REQUEST\n\n")]
    public async Task A_program_in_the_guest_asks_by_a_line_and_an_empty_one(string request, string answer)
    {
        var (toHost, toGuest) = (new Pipe(), new Pipe());
        var serving = new MetricsChannel(() => "<m/>"u8.ToArray(), TimeProvider.System).ServeAsync(new Duplex(toHost.Reader.AsStream(), toGuest.Writer.AsStream()), TestContext.Current.CancellationToken);
        // In pieces, as a port may bring it.
        foreach (var c in request)
            await toHost.Writer.WriteAsync(new[] { (byte)c }, TestContext.Current.CancellationToken);
        await toHost.Writer.CompleteAsync();
        var said = new byte[answer.Length];
        await toGuest.Reader.AsStream().ReadExactlyAsync(said, TestContext.Current.CancellationToken);
        Assert.Equal(answer, Encoding.ASCII.GetString(said));
        await serving;
    }

    private void Put(string file, string text)
    {
        var path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>A stream of two one-way ones.</summary>
    private sealed class Duplex(Stream read, Stream write) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => read.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await write.WriteAsync(buffer, cancellationToken);
            await write.FlushAsync(cancellationToken);
        }

        public override void Flush() => write.Flush();
        public override int Read(byte[] buffer, int offset, int count) => read.Read(buffer, offset, count);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => write.Write(buffer, offset, count);
    }
}
